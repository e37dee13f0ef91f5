# Makes a C file out of the page's files:
#   cmake -DOUT=FILE.c -DDIR=daemon/page -P embed.cmake
set(code "#include \"callpace/engine/page_files.h\"\n")
foreach(part head:head.html body:body.html style:style.css script:script.js)
  string(REPLACE ":" ";" part ${part})
  list(GET part 0 name)
  list(GET part 1 file)
  file(READ ${DIR}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND code "static const unsigned char ${name}[] = {${bytes}0};\n"
                     "const struct slice page_${name} = {(const char *)${name}, sizeof ${name} - 1};\n")
endforeach()
file(WRITE ${OUT} "${code}")
