#include <criterion/criterion.h>

#include "callpace/base/csv.h"

static void rows_are(const char *text, const char *expected) {
  struct csv csv = csv_of(slice_of(text));
  struct writer got = {0};
  while (csv_next(&csv)) {
    put_format(&got, "%lu:", csv.line);
    for (unsigned i = 0; i < csv.count; i++)
      put_format(&got, "[%.*s]", (int)csv.fields[i].len, csv.fields[i].data);
    put_char(&got, '\n');
  }
  cr_assert_str_eq(writer_text(&got), expected);
  writer_free(&got);
  csv_free(&csv);
}

Test(csv, reads_rows_and_quotes) {
  rows_are("a,b\n1,2\n", "1:[a][b]\n2:[1][2]\n");
  rows_are("a,b\r\n\r\n1,\r\n", "1:[a][b]\n3:[1][]\n");
  rows_are("\xEF\xBB\xBF\"a\",b", "1:[a][b]\n");
  rows_are("\"say \"\"hi\"\"\",\"x,y\"\n", "1:[say \"hi\"][x,y]\n");
  rows_are("\"two\nlines\",1\n2", "1:[two\nlines][1]\n3:[2]\n");
  rows_are("", "");
  rows_are("\n\r\n\n", "");
  rows_are(",", "1:[][]\n");
}

Test(csv, whatever_stands_there_ends) {
  rows_are("\"never closed,1\n2", "1:[never closed,1\n2]\n");
  rows_are("\"a\"b\"c\",d\n", "1:[ab\"c\"][d]\n");
  rows_are("a\"b,\"\"\n", "1:[a\"b][]\n");
}

Test(csv, fields_beyond_the_last_are_passed_over) {
  char text[400];
  memset(text, ',', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  struct csv csv = csv_of(slice_of(text));
  cr_assert(csv_next(&csv));
  cr_assert_eq(csv.count, CSV_FIELDS_MAX);
  cr_assert_eq(csv_field(&csv, 1000).len, 0);
  cr_assert_not(csv_next(&csv));
  csv_free(&csv);
}
