#include "callpace/io/webhook.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

/* One post on its way. */
struct post {
  struct post *next;
  struct webhook_client *client;
  CURL *easy;
  struct curl_slist *headers;
  struct writer reply;
  size_t reply_len; /* all that came */
  char failure[CURL_ERROR_SIZE];
  webhook_done_fn done;
  void *context;
};

struct webhook_client {
  struct event_base *base;
  CURLM *multi;
  struct event *timer;
  struct post *posts;
};

/* ---- the loop's side of libcurl ---- */

static void finish_posts(struct webhook_client *client);

static void on_socket_ready(evutil_socket_t fd, short what, void *arg) {
  struct webhook_client *client = arg;
  int still_running, events = 0;
  if (what & EV_READ) events |= CURL_CSELECT_IN;
  if (what & EV_WRITE) events |= CURL_CSELECT_OUT;
  curl_multi_socket_action(client->multi, fd, events, &still_running);
  finish_posts(client);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct webhook_client *client = arg;
  int still_running;
  curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &still_running);
  finish_posts(client);
}

/* libcurl: this socket is to be watched for `what`. `socket_data` is its event. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_data) {
  (void)easy;
  struct webhook_client *client = arg;
  struct event *watch = socket_data;
  if (watch) event_free(watch);
  watch = NULL;
  short events = EV_PERSIST;
  if (what & CURL_POLL_IN) events |= EV_READ;
  if (what & CURL_POLL_OUT) events |= EV_WRITE;
  if (what != CURL_POLL_REMOVE) {
    watch = event_new(client->base, fd, events, on_socket_ready, client);
    event_add(watch, NULL);
  }
  curl_multi_assign(client->multi, fd, watch);
  return 0;
}

/* libcurl: it wants to be called after so long; -1: not at all. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg) {
  (void)multi;
  struct webhook_client *client = arg;
  if (timeout_ms < 0)
    event_del(client->timer);
  else
    event_add(client->timer,
              &(struct timeval){.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000});
  return 0;
}

static size_t keep_reply(char *data, size_t size, size_t count, void *arg) {
  struct post *post = arg;
  size_t len = size * count, room = WEBHOOK_REPLY_MAX - post->reply.len;
  post->reply_len += len;
  put_bytes(&post->reply, data, len < room ? len : room);
  return post->reply_len > WEBHOOK_REPLY_LIMIT ? 0 : len;
}

/* ---- a post's life ---- */

static void post_free(struct post *post) {
  if (post->easy) curl_easy_cleanup(post->easy);
  curl_slist_free_all(post->headers);
  writer_free(&post->reply);
  free(post);
}

static void unlink_post(struct post *post) {
  struct post **at = &post->client->posts;
  while (*at != post)
    at = &(*at)->next;
  *at = post->next;
}

static void finish(struct post *post, CURLcode code) {
  long status = 0;
  curl_off_t took_us = 0, retry_after_s = 0;
  curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &took_us);
  curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
  if (retry_after_s > 86400) retry_after_s = 86400;
  struct webhook_result result = {.http_status = (int)status,
                                  .body = writer_slice(&post->reply),
                                  .retry_after_ms = retry_after_s * MSEC_PER_SEC,
                                  .took_ms = took_us / 1000};
  if (code != CURLE_OK) {
    result.http_status = 0;
    result.failure = post->failure[0] ? post->failure : curl_easy_strerror(code);
    if (post->reply_len > WEBHOOK_REPLY_LIMIT) result.failure = "the reply is too long";
  }
  curl_multi_remove_handle(post->client->multi, post->easy);
  unlink_post(post);
  post->done(post->context, &result);
  post_free(post);
}

static void finish_posts(struct webhook_client *client) {
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
    struct post *post;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post);
    finish(post, message->data.result);
  }
}

static void set_headers(struct post *post, const char *const *headers) {
  static const char *const always[] = {"Content-Type: application/json; charset=utf-8",
                                       "Expect:", NULL};
  for (const char *const *h = always; *h; h++)
    post->headers = curl_slist_append(post->headers, *h);
  for (const char *const *h = headers; h && *h; h++)
    post->headers = curl_slist_append(post->headers, *h);
}

static CURLcode set_options(struct post *post, const struct webhook_request *request) {
  CURL *easy = post->easy;
  msec_t connect_ms =
      request->timeout_ms < WEBHOOK_CONNECT_MS ? request->timeout_ms : WEBHOOK_CONNECT_MS;
  set_headers(post, request->headers);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->failure);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "callpace/" CALLPACE_VERSION);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_reply);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
  CURLcode code =
      curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body.len ? request->body.data : "");
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
  if (code == CURLE_OK && request->ca_file)
    code = curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
  return code;
}

enum status webhook_post(struct webhook_client *client, const struct webhook_request *request,
                         webhook_done_fn done, void *context, struct error *error) {
  if (request->ca_file && access(request->ca_file, R_OK) != 0)
    return error_set_errno(error, STATUS_IO, "%s", request->ca_file);
  struct post *post = mem_zalloc(sizeof *post);
  *post = (struct post){.client = client, .done = done, .context = context};
  post->easy = curl_easy_init();
  CURLcode code = post->easy ? set_options(post, request) : CURLE_FAILED_INIT;
  if (code != CURLE_OK || curl_multi_add_handle(client->multi, post->easy) != CURLM_OK) {
    post_free(post);
    return error_set(error, STATUS_IO, "%s", curl_easy_strerror(code));
  }
  post->next = client->posts;
  client->posts = post;
  return STATUS_OK;
}

/* ---- all of them ---- */

struct webhook_client *webhook_client_new(struct event_base *base) {
  struct webhook_client *client = mem_zalloc(sizeof *client);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  client->base = base;
  client->multi = curl_multi_init();
  client->timer = event_new(base, -1, 0, on_timer, client);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
  return client;
}

size_t webhook_running(const struct webhook_client *client) {
  size_t count = 0;
  for (const struct post *post = client->posts; post; post = post->next)
    count++;
  return count;
}

void webhook_client_free(struct webhook_client *client) {
  if (!client) return;
  while (client->posts) {
    struct post *post = client->posts;
    curl_multi_remove_handle(client->multi, post->easy);
    unlink_post(post);
    post_free(post);
  }
  curl_multi_cleanup(client->multi);
  event_free(client->timer);
  curl_global_cleanup();
  free(client);
}
