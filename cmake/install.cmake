# `cmake --install`: programs, samples, hooks, systemd units and manual pages. An
# existing configuration is never overwritten.
include(GNUInstallDirs)

if(TARGET callpaced)
  install(TARGETS callpaced DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET callpace)
  install(TARGETS callpace DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY conf/hooks/ DESTINATION lib/callpace/hooks USE_SOURCE_PERMISSIONS)
install(FILES conf/callpace.yaml conf/policy.yaml conf/roster.yaml
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY conf/switches DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES README.md README.zh-CN.md CHANGELOG.md LICENSE doc/protocol.md doc/journal-format.md doc/policy.md doc/switches.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(FILES systemd/callpaced.service DESTINATION lib/systemd/system)
install(FILES systemd/callpace.sysusers DESTINATION lib/sysusers.d RENAME callpace.conf)
install(FILES systemd/callpace.tmpfiles DESTINATION lib/tmpfiles.d RENAME callpace.conf)

# Manual pages are written in scdoc; without it they are left out.
find_program(SCDOC scdoc)
file(GLOB MANUALS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/doc/*.scd)
if(SCDOC)
  foreach(source ${MANUALS})
    get_filename_component(page ${source} NAME_WLE)
    string(REGEX MATCH "[0-9]$" section ${page})
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/${page}
                       COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
                       COMMAND ${SCDOC} < ${source} > ${CMAKE_BINARY_DIR}/man/${page}
                       DEPENDS ${source} VERBATIM)
    list(APPEND PAGES ${CMAKE_BINARY_DIR}/man/${page})
    install(FILES ${CMAKE_BINARY_DIR}/man/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(manuals ALL DEPENDS ${PAGES})
endif()
