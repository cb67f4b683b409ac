/* SPDX-License-Identifier: MIT */
#include <kiobuf/layer.h>

#include <stdlib.h>

#include "unit.h"

TEST("format: numbers, strings, sizes, times and errors")
{
	char text[200];

	kio_format(text, sizeof(text), "%s %d %u %U %x %c %%", "s", -5, 7u, (uint64_t)1 << 40,
		   (uint64_t)255, 'c');
	CHECK_STR(text, "s -5 7 1099511627776 ff c %");
	kio_format(text, sizeof(text), "%S %S %S %S", (uint64_t)0, (uint64_t)1536, (uint64_t)4096,
		   (uint64_t)3 << 30);
	CHECK_STR(text, "0 1536 4K 3G");
	kio_format(text, sizeof(text), "%T %T %T", (uint64_t)5, (uint64_t)20000000, (uint64_t)1500000);
	CHECK_STR(text, "5ns 20ms 1500us");
	kio_format(text, sizeof(text), "%e", -28);
	CHECK_STR(text, "No space left on device");
	kio_format(text, sizeof(text), "%q %q %q %q", "a/b-1.kio", "", "a b", "it's");
	CHECK_STR(text, "a/b-1.kio '' 'a b' 'it'\\''s'");
}

TEST("format: a text that does not fit is cut, and its length told")
{
	char text[5];

	CHECK_EQ(kio_format(text, sizeof(text), "%s", "abcdefgh"), 8);
	CHECK_STR(text, "abcd");
}

TEST("format: refuse stores the error and the sentence")
{
	struct kio_diag diag = { 0 };

	CHECK_EQ(kio_refuse(&diag, -22, "no %s", "way"), -22);
	CHECK_EQ(diag.error, -22);
	CHECK_STR(diag.text, "no way");
	CHECK_EQ(kio_refuse(NULL, -5, "nobody %s", "listens"), -5);
}

static void
format_unknown(void)
{
	char text[8];

	kio_format(text, sizeof(text), "%y", 1);
}

TEST("format: nothing is written where there is no room, and an unknown conversion aborts")
{
	char text[] = "kept";

	CHECK_EQ(kio_format(text, 0, "%s", "abc"), 3);
	CHECK_STR(text, "kept");
	CHECK(unit_aborts(format_unknown, "no conversion %y"));
}
