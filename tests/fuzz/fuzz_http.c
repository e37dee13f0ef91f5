/* A request read whole and read in pieces gives the same; what is read lies within
 * the bytes; escapes never grow. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/http.h"
#include "callpace/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "fuzz_http: %s does not hold\n", #condition);                                \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static void check_within(struct slice part, struct slice whole) {
  if (!part.data) return;
  CHECK(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_fields(const struct http_request *request) {
  char out[64];
  int len = http_field(request->query, "token", out, sizeof out);
  CHECK(len < (int)sizeof out && (len < 0 || strlen(out) == (size_t)len));
  len = http_decode(request->path, out, sizeof out);
  CHECK(len < (int)sizeof out && len <= (int)request->path.len);
  check_within(http_cookie(request->headers[HTTP_COOKIE], "callpace"),
               request->headers[HTTP_COOKIE]);
  http_tag_matches(request->headers[HTTP_IF_NONE_MATCH], SLICE("W/\"1\""));
}

/* Until one request is read, from memory of exactly the size that has come. */
static enum http_result read_growing(struct slice bytes, size_t step, size_t *used, int *status) {
  enum http_result result = HTTP_MORE;
  for (size_t len = 0; result == HTTP_MORE && len < bytes.len;) {
    len = bytes.len - len < step ? bytes.len : len + step;
    char *copy = mem_alloc(len);
    memcpy(copy, bytes.data, len);
    struct http_request request = {0};
    result = http_read((struct slice){copy, len}, &request, used, status);
    free(copy);
  }
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  struct slice bytes = {(const char *)data + 1, size - 1};
  struct http_request request = {0};
  size_t used = 0, used_growing = 0;
  int status = 0, status_growing = 0;
  enum http_result result = http_read(bytes, &request, &used, &status);
  if (result == HTTP_DONE) {
    CHECK(used > 0 && used <= bytes.len);
    check_within(request.method, bytes);
    check_within(request.path, bytes);
    check_within(request.body, bytes);
    for (unsigned i = 0; i < HTTP_HEADERS; i++)
      check_within(request.headers[i], bytes);
    check_fields(&request);
  } else if (result == HTTP_REFUSED) {
    CHECK(status >= 400 && status < 600);
  }
  enum http_result growing = read_growing(bytes, 1 + data[0] % 64, &used_growing, &status_growing);
  CHECK(growing == result);
  if (growing == HTTP_DONE) CHECK(used == used_growing);
  return 0;
}
