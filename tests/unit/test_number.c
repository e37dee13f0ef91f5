/* Numbers as they are compared: POLICY section 5, "Weekly leads". */
#include <criterion/criterion.h>

#include "callpace/core/number.h"

static const struct number_rules usual = {{{"0086", 4}, {"+86", 3}, {"9", 1}, {"0", 1}}, 4};

static void same(const char *a, const char *b) {
  cr_assert_eq(number_key(&usual, slice_of(a)), number_key(&usual, slice_of(b)), "%s and %s", a, b);
}

static void differ(const char *a, const char *b) {
  cr_assert_neq(number_key(&usual, slice_of(a)), number_key(&usual, slice_of(b)), "%s and %s", a,
                b);
}

Test(number, policy_5_one_mobile_in_all_its_forms) {
  static const char *const forms[] = {"+8613800138000",   "008613800138000",   "913800138000",
                                      "013800138000",     "9013800138000",     "9008613800138000",
                                      "138-0013-8000",    "138 0013 8000",     "+86 138.0013.8000",
                                      "(0)138/0013/8000", "00 86 13800138000", "9+8613800138000"};
  for (size_t i = 0; i + 1 < sizeof forms / sizeof *forms; i++)
    same("13800138000", forms[i]);
  differ("13800138000", forms[11]);
  differ("13800138000", "13800138001");
  differ("13800138000", "3800138000");
}

Test(number, policy_5_a_landline_with_and_without_its_area) {
  same("010-12345678", "+861012345678");
  same("01012345678", "901012345678");
  same("01012345678", "1012345678");
  differ("01012345678", "02112345678");
}

Test(number, a_number_that_begins_like_a_prefix) {
  same("98765432", "998765432");
  same("09912345678", "9912345678");
  same("+869912345678", "909912345678");
}

Test(number, a_short_number_keeps_its_front) {
  differ("95588", "5588");
  differ("9110", "110");
  differ("0110", "110");
  same("9 5588", "95588");
  same("91234567", "1234567");
}

Test(number, from_abroad) {
  same("+12025550100", "12025550100");
  same("+12025550100", "0012025550100");
  differ("+12025550100", "+13025550100");
}

Test(number, what_is_no_number) {
  cr_assert_eq(number_key(&usual, SLICE("")), 0);
  differ("anonymous", "unknown");
  same("anonymous", "anonymous");
  differ("-", "+");
  differ("12345678901234567890", "12345678901234567891");
  differ("L1", "1");
  cr_assert_neq(number_lead_key(SLICE("13800138000")), number_key(&usual, SLICE("13800138000")));
  cr_assert_neq(number_lead_key(SLICE("x")), number_key(&usual, SLICE("x")));
  cr_assert_neq(number_lead_key(SLICE("L1")), number_lead_key(SLICE("L2")));
}

Test(number, without_prefixes) {
  static const struct number_rules none = {.count = 0};
  cr_assert_neq(number_key(&none, SLICE("013800138000")), number_key(&none, SLICE("13800138000")));
  cr_assert_eq(number_key(&none, SLICE("138 00138000")), number_key(&none, SLICE("13800138000")));
}

Test(number, which_can_be_dialled) {
  cr_assert(number_is_good(SLICE("110")));
  cr_assert(number_is_good(SLICE("+86 138-0013-8000")));
  cr_assert_not(number_is_good(SLICE("")));
  cr_assert_not(number_is_good(SLICE("+")));
  cr_assert_not(number_is_good(SLICE("12")));
  cr_assert_not(number_is_good(SLICE("1380013800a")));
  cr_assert_not(number_is_good(SLICE("123456789012345678901")));
  cr_assert_not(number_is_good(SLICE("13800138000+")));
}
