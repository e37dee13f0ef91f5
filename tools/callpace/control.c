#include "callpace/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "callpace/base/slice.h"
#include "callpace/io/config.h"

#define DEFAULT_CONFIG "/etc/callpace/callpace.yaml"
#define DEFAULT_SOCKET "/run/callpace/ctl.sock"

/* The configuration holds secrets that the caller may not be allowed to read;
 * without -c the default place of the socket will do then. */
static enum status find_socket(const struct client_options *options, char path[108],
                               struct error *error) {
  struct config *config = NULL;
  const char *found = options->socket;
  if (!found) {
    const char *file = options->config ? options->config : DEFAULT_CONFIG;
    enum status status = options->config || access(file, R_OK) == 0
                             ? config_load(file, &config, error)
                             : STATUS_UNAVAILABLE;
    if (status && options->config) return status;
    *error = (struct error){0};
    found = status ? DEFAULT_SOCKET : config->control.socket;
  }
  size_t len = strlen(found);
  enum status status = STATUS_OK;
  if (len >= 108)
    status = error_set(error, STATUS_USAGE, "%s: longer than a socket's path may be", found);
  else
    memcpy(path, found, len + 1);
  config_free(config);
  return status;
}

FILE *client_connect(const struct client_options *options, struct error *error) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (find_socket(options, address.sun_path, error)) return NULL;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FILE *control = NULL;
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
    control = fdopen(fd, "r+");
  if (control) return control;
  bool denied = errno == EACCES || errno == EPERM;
  error_set_errno(error, denied ? STATUS_PERMISSION : STATUS_UNAVAILABLE,
                  "%s: callpaced does not answer", address.sun_path);
  if (fd >= 0) close(fd);
  return NULL;
}

/* Times are shown in the centre's zone, wherever the terminal stands. */
static void use_zone(const json_t *answer) {
  const char *zone = json_string_value(json_object_get(answer, "timezone"));
  if (!zone) return;
  setenv("TZ", zone, 1);
  tzset();
}

json_t *client_answer(struct slice line, struct error *error) {
  json_t *answer = json_loadb(line.data, line.len, 0, NULL), *data = NULL;
  if (!json_is_object(answer)) {
    error_set(error, STATUS_UNAVAILABLE, "callpaced gave no answer that makes sense");
  } else if (json_is_false(json_object_get(answer, "ok"))) {
    const char *text = json_string_value(json_object_get(answer, "error"));
    int64_t status = json_number(answer, "status", STATUS_UNAVAILABLE);
    error_set(error, status > 0 && status < 256 ? (enum status)status : STATUS_UNAVAILABLE, "%s",
              text ? text : "refused");
  } else {
    use_zone(answer);
    data = json_object_get(answer, "data");
    data = data ? json_incref(data) : json_object();
  }
  json_decref(answer);
  return data;
}

json_t *client_next(FILE *control, struct error *error) {
  char *line = NULL;
  size_t capacity = 0;
  json_t *data = NULL;
  ssize_t len = getline(&line, &capacity, control);
  if (len > 0)
    data = client_answer((struct slice){line, (size_t)len}, error);
  else
    error_set(error, STATUS_UNAVAILABLE, "callpaced closed the connection");
  free(line);
  return data;
}

json_t *client_ask(FILE *control, json_t *request, struct error *error) {
  bool sent = request && json_dumpf(request, control, JSON_COMPACT) == 0 &&
              fputc('\n', control) != EOF && fflush(control) == 0;
  json_decref(request);
  if (sent) return client_next(control, error);
  error_set_errno(error, STATUS_UNAVAILABLE, "callpaced does not take the request");
  return NULL;
}

json_t *client_ask_once(const struct client_options *options, json_t *request,
                        struct error *error) {
  FILE *control = client_connect(options, error);
  if (!control) {
    json_decref(request);
    return NULL;
  }
  json_t *data = client_ask(control, request, error);
  fclose(control);
  return data;
}

struct slice json_text(const json_t *object, const char *key, char room[32]) {
  const json_t *value = json_object_get(object, key);
  if (json_is_string(value))
    return (struct slice){json_string_value(value), json_string_length(value)};
  room[0] = '\0';
  if (json_is_integer(value)) snprintf(room, 32, "%lld", (long long)json_integer_value(value));
  if (json_is_real(value)) snprintf(room, 32, "%.6g", json_real_value(value));
  if (json_is_boolean(value)) snprintf(room, 32, "%s", json_is_true(value) ? "yes" : "no");
  return slice_of(room);
}

int64_t json_number(const json_t *object, const char *key, int64_t absent) {
  const json_t *value = json_object_get(object, key);
  if (json_is_integer(value)) return json_integer_value(value);
  if (!json_is_string(value)) return absent;
  char *end;
  long long number = strtoll(json_string_value(value), &end, 10);
  return end == json_string_value(value) || *end ? absent : number;
}

void json_print(const json_t *document) {
  json_dumpf(document, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
  fputc('\n', stdout);
  fflush(stdout);
}
