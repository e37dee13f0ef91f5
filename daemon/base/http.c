#include "callpace/base/http.h"

#include <string.h>
#include <strings.h>

static const char *const header_names[HTTP_HEADERS] = {
    [HTTP_HOST] = "host",
    [HTTP_AUTHORIZATION] = "authorization",
    [HTTP_COOKIE] = "cookie",
    [HTTP_ORIGIN] = "origin",
    [HTTP_ACCEPT] = "accept",
    [HTTP_ACCEPT_LANGUAGE] = "accept-language",
    [HTTP_CONTENT_TYPE] = "content-type",
    [HTTP_IF_NONE_MATCH] = "if-none-match",
    [HTTP_LAST_EVENT_ID] = "last-event-id",
    [HTTP_SEC_FETCH_SITE] = "sec-fetch-site",
};

/* Under way: what is known of the request besides `out`. */
struct reading_request {
  struct http_request *out;
  int minor; /* HTTP/1.minor */
  bool has_length;
  uint64_t length;
  int status; /* not 0: refused */
};

/* ---- small pieces ---- */

static bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct slice text) {
  for (size_t i = 0; i < text.len; i++)
    if (!is_token_char(text.data[i])) return false;
  return text.len > 0;
}

static bool same_word(struct slice text, const char *word) {
  return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static struct slice trimmed(struct slice text) {
  while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
    text.data++, text.len--;
  while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
    text.len--;
  return text;
}

/* The part before the separator; `rest` moves behind it, its data NULL at the end. */
static struct slice cut(struct slice *rest, char separator) {
  const char *at = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
  struct slice part = *rest;
  if (!at) {
    *rest = (struct slice){0};
    return part;
  }
  part.len = (size_t)(at - rest->data);
  *rest = (struct slice){at + 1, rest->len - part.len - 1};
  return part;
}

static bool list_holds(struct slice list, const char *word) {
  while (list.data)
    if (same_word(trimmed(cut(&list, ',')), word)) return true;
  return false;
}

/* ---- the request line ---- */

static int take_target(struct slice target, struct http_request *out) {
  for (size_t i = 0; i < target.len; i++)
    if (target.data[i] <= ' ' || target.data[i] == 0x7f || target.data[i] == '#') return 400;
  /* A proxy's form, "http://HOST/PATH": the path alone is ours, the Host header tells whose. */
  if (target.len > 7 && strncasecmp(target.data, "http://", 7) == 0) {
    const char *slash = memchr(target.data + 7, '/', target.len - 7);
    if (!slash) return 400;
    target.len -= (size_t)(slash - target.data);
    target.data = slash;
  }
  if (target.len == 0 || target.data[0] != '/') return 400;
  out->path = cut(&target, '?');
  out->query = target;
  return 0;
}

static int take_request_line(struct slice line, struct reading_request *r) {
  r->out->method = cut(&line, ' ');
  struct slice target = cut(&line, ' ');
  if (!is_token(r->out->method) || r->out->method.len > 16 || !target.data) return 400;
  if (target.len > HTTP_TARGET_MAX) return 414;
  if (line.len != 8 || memcmp(line.data, "HTTP/", 5) != 0) return 400;
  if (memcmp(line.data, "HTTP/1.", 7) != 0) return 505;
  if (line.data[7] != '0' && line.data[7] != '1') return 505;
  r->minor = line.data[7] - '0';
  r->out->keep_alive = r->minor == 1;
  return take_target(target, r->out);
}

/* ---- headers ---- */

static int take_length(struct slice value, struct reading_request *r) {
  uint64_t length = 0;
  if (value.len == 0 || value.len > 18) return 400;
  for (size_t i = 0; i < value.len; i++) {
    if (value.data[i] < '0' || value.data[i] > '9') return 400;
    length = length * 10 + (uint64_t)(value.data[i] - '0');
  }
  if (r->has_length) return 400; /* twice, even if the same: somebody smuggles */
  r->has_length = true;
  r->length = length;
  return length > HTTP_BODY_MAX ? 413 : 0;
}

static int take_header(struct slice line, struct reading_request *r) {
  struct slice name = cut(&line, ':'), value = trimmed(line);
  if (!is_token(name) || !line.data) return 400; /* a folded line begins with a blank */
  for (size_t i = 0; i < value.len; i++)
    if (((unsigned char)value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
      return 400;
  if (same_word(name, "content-length")) return take_length(value, r);
  if (same_word(name, "transfer-encoding")) return 501;
  if (same_word(name, "expect")) return 417;
  if (same_word(name, "connection")) {
    if (list_holds(value, "close")) r->out->keep_alive = false;
    return 0;
  }
  for (int i = 0; i < HTTP_HEADERS; i++) {
    if (!same_word(name, header_names[i])) continue;
    if (r->out->headers[i].data && (i == HTTP_HOST || i == HTTP_AUTHORIZATION)) return 400;
    if (!r->out->headers[i].data) r->out->headers[i] = value;
  }
  return 0;
}

/* `head` ends before the empty line; every line but the last has its CRLF. */
static int take_head(struct slice head, struct reading_request *r) {
  for (unsigned lines = 0; head.data; lines++) {
    struct slice line = cut(&head, '\n');
    if (head.data) {
      if (line.len == 0 || line.data[line.len - 1] != '\r') return 400;
      line.len--;
    }
    if (lines > HTTP_HEADERS_MAX) return 431;
    int status = lines == 0 ? take_request_line(line, r) : take_header(line, r);
    if (status) return status;
  }
  if (r->minor == 1 && !r->out->headers[HTTP_HOST].data) return 400;
  return 0;
}

enum http_result http_read(struct slice bytes, struct http_request *out, size_t *used,
                           int *status) {
  *out = (struct http_request){.keep_alive = false};
  struct reading_request r = {.out = out};
  size_t blank = 0;
  /* A client may end the request before with an empty line of its own. */
  while (blank < 4 && bytes.len - blank >= 2 && memcmp(bytes.data + blank, "\r\n", 2) == 0)
    blank += 2;
  const char *from = bytes.data + blank;
  size_t room = bytes.len - blank;
  const char *end = memmem(from, room < HTTP_HEAD_MAX ? room : HTTP_HEAD_MAX, "\r\n\r\n", 4);
  if (!end && room < HTTP_HEAD_MAX) return HTTP_MORE;
  int refused = end ? take_head((struct slice){from, (size_t)(end - from)}, &r) : 431;
  if (refused) {
    *status = refused;
    return HTTP_REFUSED;
  }
  size_t head = (size_t)(end - bytes.data) + 4;
  if (bytes.len - head < r.length) return HTTP_MORE;
  out->body = (struct slice){bytes.data + head, (size_t)r.length};
  *used = head + (size_t)r.length;
  return HTTP_DONE;
}

/* ---- what is in a request ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(struct slice text, bool plus_is_blank, char *out, size_t size) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c == '+' && plus_is_blank) c = ' ';
    if (c == '%') {
      int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
      int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
      if (high < 0 || low < 0) return HTTP_BROKEN;
      c = (char)(high * 16 + low);
      i += 2;
    }
    if (c == 0 || len + 1 >= size) return HTTP_BROKEN;
    out[len++] = c;
  }
  out[len] = 0;
  return (int)len;
}

int http_decode(struct slice text, char *out, size_t size) {
  return decode(text, false, out, size);
}

int http_field(struct slice query, const char *name, char *out, size_t size) {
  while (query.data) {
    struct slice value = cut(&query, '&'), key = cut(&value, '=');
    if (slice_equal(key, slice_of(name))) return decode(value, true, out, size);
  }
  return HTTP_ABSENT;
}

static struct slice without_weakness(struct slice tag) {
  if (tag.len > 2 && memcmp(tag.data, "W/", 2) == 0)
    return (struct slice){tag.data + 2, tag.len - 2};
  return tag;
}

bool http_tag_matches(struct slice list, struct slice tag) {
  while (list.data) {
    struct slice one = trimmed(cut(&list, ','));
    if (slice_equal(one, SLICE("*"))) return true;
    if (slice_equal(without_weakness(one), without_weakness(tag))) return true;
  }
  return false;
}

struct slice http_cookie(struct slice cookies, const char *name) {
  while (cookies.data) {
    struct slice value = trimmed(cut(&cookies, ';')), key = cut(&value, '=');
    if (slice_equal(key, slice_of(name))) return value;
  }
  return (struct slice){0};
}

const char *http_reason(int status) {
  static const struct {
    int status;
    const char *text;
  } reasons[] = {{200, "OK"},
                 {204, "No Content"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {417, "Expectation Failed"},
                 {421, "Misdirected Request"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status) return reasons[i].text;
  return "Unknown";
}
