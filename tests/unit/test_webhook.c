/* Posts to a real HTTP server on the same loop. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/base/writer.h"
#include "callpace/io/webhook.h"

static struct event_base *base;
static struct evhttp *server;
static struct webhook_client *client;
static char url[64];
static int requests;
static struct writer seen; /* method, headers and body of the last request */
static struct evhttp_request *unanswered;

static struct outcome {
  int calls, status;
  char *failure, *body;
  size_t len;
  msec_t retry_after_ms;
} last;

static void put_header(const struct evhttp_request *request, const char *name) {
  const char *value =
      evhttp_find_header(evhttp_request_get_input_headers((void *)(uintptr_t)request), name);
  put_format(&seen, "|%s", value ? value : "-");
}

static void serve(struct evhttp_request *request, void *arg) {
  (void)arg;
  const char *path = evhttp_request_get_uri(request);
  struct evbuffer *in = evhttp_request_get_input_buffer(request), *out = evbuffer_new();
  struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
  int code = 200;
  requests++;
  writer_reset(&seen);
  put_text(&seen, evhttp_request_get_command(request) == EVHTTP_REQ_POST ? "POST" : "?");
  put_header(request, "Content-Type");
  put_header(request, "X-Callpace-Signature");
  put_header(request, "Expect");
  put_char(&seen, '|');
  put_bytes(&seen, evbuffer_pullup(in, -1), evbuffer_get_length(in));
  if (strcmp(path, "/never") == 0) {
    unanswered = request;
    evbuffer_free(out);
    return;
  }
  if (strcmp(path, "/moved") == 0) {
    code = 302;
    evhttp_add_header(headers, "Location", "/ok");
  }
  if (strcmp(path, "/busy") == 0) {
    code = 429;
    evhttp_add_header(headers, "Retry-After", "7");
  }
  size_t len = strcmp(path, "/big") == 0    ? 100000
               : strcmp(path, "/huge") == 0 ? 2 * (size_t)WEBHOOK_REPLY_LIMIT
                                            : 0;
  for (size_t i = 0; i < len; i += 1000)
    evbuffer_add_printf(out, "%01000d", 0);
  evbuffer_add_printf(out, "done");
  evhttp_send_reply(request, code, NULL, out);
  evbuffer_free(out);
}

static void note(void *context, const struct webhook_result *result) {
  (void)context;
  free(last.failure);
  free(last.body);
  last = (struct outcome){.calls = last.calls + 1,
                          .status = result->http_status,
                          .failure = result->failure ? mem_strdup(result->failure) : NULL,
                          .body = mem_slice_dup(result->body),
                          .len = result->body.len,
                          .retry_after_ms = result->retry_after_ms};
}

static void open_world(void) {
  signal(SIGPIPE, SIG_IGN);
  unsetenv("http_proxy");
  unsetenv("all_proxy");
  base = event_base_new();
  server = evhttp_new(base);
  struct evhttp_bound_socket *socket = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  cr_assert_eq(getsockname(evhttp_bound_socket_get_fd(socket), (void *)&address, &len), 0);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
  evhttp_set_gencb(server, serve, NULL);
  client = webhook_client_new(base);
}

static void close_world(void) {
  webhook_client_free(client);
  evhttp_free(server);
  event_base_free(base);
  writer_free(&seen);
  free(last.failure);
  free(last.body);
}

TestSuite(webhook, .init = open_world, .fini = close_world, .timeout = 60);

static void begin(const char *path, struct slice body, msec_t timeout_ms) {
  char full[128];
  snprintf(full, sizeof full, "%s%s", url, path);
  static const char *const headers[] = {"X-Callpace-Signature: t=1,v1=00", NULL};
  struct webhook_request request = {
      .url = full, .headers = headers, .body = body, .timeout_ms = timeout_ms};
  struct error error = {0};
  cr_assert_eq(webhook_post(client, &request, note, NULL, &error), STATUS_OK, "%s", error.text);
}

static void wait_for(int calls) {
  usec_t until = clock_monotonic_us() + 30 * 1000000;
  while (last.calls < calls) {
    cr_assert(clock_monotonic_us() < until, "the post is not done");
    event_base_loop(base, EVLOOP_ONCE);
  }
}

Test(webhook, posts_what_it_is_given) {
  begin("/ok", SLICE("{\"a\":\"\xe7\x8e\x8b\"}"), 20000);
  cr_assert_eq(webhook_running(client), 1);
  wait_for(1);
  cr_assert_eq(webhook_running(client), 0);
  cr_assert_eq(last.status, 200, "%s", last.failure);
  cr_assert_null(last.failure);
  cr_assert_str_eq(last.body, "done");
  cr_assert_str_eq(writer_text(&seen),
                   "POST|application/json; charset=utf-8|t=1,v1=00|-|{\"a\":\"\xe7\x8e\x8b\"}");
}

Test(webhook, a_large_body_arrives_whole) {
  struct writer body = {0};
  for (int i = 0; i < 30000; i++)
    put_text(&body, "0123456789");
  begin("/ok", writer_slice(&body), 20000);
  wait_for(1);
  cr_assert_eq(last.status, 200);
  cr_assert_gt(seen.len, body.len);
  writer_free(&body);
}

Test(webhook, follows_no_redirect) {
  begin("/moved", SLICE("{}"), 20000);
  wait_for(1);
  cr_assert_eq(last.status, 302);
  cr_assert_eq(requests, 1);
}

Test(webhook, tells_the_retry_after) {
  begin("/busy", SLICE("{}"), 20000);
  wait_for(1);
  cr_assert_eq(last.status, 429);
  cr_assert_eq(last.retry_after_ms, 7000);
}

Test(webhook, bounds_what_it_keeps) {
  begin("/big", SLICE("{}"), 20000);
  wait_for(1);
  cr_assert_eq(last.status, 200);
  cr_assert_eq(last.len, WEBHOOK_REPLY_MAX);
  begin("/huge", SLICE("{}"), 20000);
  wait_for(2);
  cr_assert_eq(last.status, 0);
  cr_assert_str_eq(last.failure, "the reply is too long");
}

Test(webhook, gives_up_at_the_deadline) {
  begin("/never", SLICE("{}"), 300);
  wait_for(1);
  cr_assert_eq(last.status, 0);
  cr_assert_not_null(strstr(last.failure, "timed out"), "%s", last.failure);
  evhttp_free(server); /* with the request that waits */
  server = evhttp_new(base);
}

Test(webhook, says_that_nobody_listens) {
  evhttp_free(server);
  server = evhttp_new(base);
  begin("/ok", SLICE("{}"), 20000);
  wait_for(1);
  cr_assert_eq(last.status, 0);
  cr_assert_not_null(last.failure);
}

Test(webhook, refuses_what_cannot_begin) {
  struct webhook_request request = {
      .url = "https://127.0.0.1/", .timeout_ms = 1000, .ca_file = "/nonexistent/ca.pem"};
  struct error error = {0};
  cr_assert_eq(webhook_post(client, &request, note, NULL, &error), STATUS_IO);
  cr_assert_not_null(strstr(error.text, "ca.pem"));
  request = (struct webhook_request){.url = "file:///etc/passwd", .timeout_ms = 1000};
  if (webhook_post(client, &request, note, NULL, &error) == STATUS_OK) {
    wait_for(1);
    cr_assert_eq(last.status, 0);
  }
  cr_assert_eq(webhook_running(client), 0);
}

Test(webhook, breaks_off_what_is_on_its_way) {
  begin("/never", SLICE("{}"), 20000);
  begin("/never", SLICE("{}"), 20000);
  while (!unanswered)
    event_base_loop(base, EVLOOP_ONCE);
  cr_assert_eq(webhook_running(client), 2);
}
