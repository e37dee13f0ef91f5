#include <criterion/criterion.h>

#include <arpa/inet.h>

#include "callpace/base/address.h"

static bool holds(const char *net, const char *host) {
  struct cidr cidr;
  cr_assert(cidr_parse(net, &cidr), "%s", net);
  uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
  if (inet_pton(AF_INET, host, bytes + 12) != 1) cr_assert(inet_pton(AF_INET6, host, bytes) == 1);
  return cidr_holds(&cidr, bytes);
}

Test(address, host_and_port_v4_v6_unix) {
  struct address a;
  cr_assert(address_parse("127.0.0.1:7070", &a));
  cr_assert_str_eq(a.host, "127.0.0.1");
  cr_assert_eq(a.port, 7070);
  cr_assert(address_parse("[::1]:0", &a));
  cr_assert_str_eq(a.host, "::1");
  char text[ADDRESS_TEXT_SIZE];
  address_format(&a, text);
  cr_assert_str_eq(text, "[::1]:0");
  cr_assert(address_parse("unix:/run/x.sock", &a));
  cr_assert(a.is_unix);
  address_format(&a, text);
  cr_assert_str_eq(text, "unix:/run/x.sock");
}

Test(address, refuses_what_is_none) {
  struct address a = {.port = 9};
  const char *bad[] = {"",        ":",      "127.0.0.1", "host:", "host:65536",
                       "host:-1", "::1:80", "unix:rel",  ":80"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect_not(address_parse(bad[i], &a), "%s", bad[i]);
  cr_assert_eq(a.port, 9);
}

Test(address, loopback) {
  struct address a;
  cr_assert(address_parse("127.9.9.9:1", &a) && address_is_loopback(&a));
  cr_assert(address_parse("[::1]:1", &a) && address_is_loopback(&a));
  cr_assert(address_parse("0.0.0.0:1", &a) && !address_is_loopback(&a));
  cr_assert(address_parse("[::]:1", &a) && !address_is_loopback(&a));
}

Test(address, cidr_match) {
  cr_assert(holds("10.0.0.0/8", "10.255.1.2"));
  cr_assert_not(holds("10.0.0.0/8", "11.0.0.1"));
  cr_assert(holds("192.168.1.128/25", "192.168.1.200"));
  cr_assert_not(holds("192.168.1.128/25", "192.168.1.100"));
  cr_assert(holds("::1", "::1"));
  cr_assert_not(holds("0.0.0.0/0", "::1"));
  cr_assert(holds("0.0.0.0/0", "8.8.8.8"));
  struct cidr c;
  cr_assert_not(cidr_parse("10.0.0.0/33", &c));
  cr_assert_not(cidr_parse("x/8", &c));
}
