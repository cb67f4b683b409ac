/* SPDX-License-Identifier: MIT */
/*
 * The figures of the core: what an I/O, a layer, a fan-out cost, as multiples of
 * one locked instruction, and in instructions.
 *
 * Stacks are measured in turns, so that what disturbs the machine disturbs all
 * of them; of each the best turn counts.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "cli/load.h"
#include "cli/suite.h"
#include "core/loop.h"
#include "port/port.h"

#define TURNS 11
#define IOS 200000u
#define COUNTED 64u /* I/Os between two counts of instructions */

enum { NOTHING, ONE, EIGHT, THIRTY_TWO, PASS_8, DEEP, STRIPE, NULL_WRITE, MIRROR_WRITE, STACKS };

static struct {
	const char *stack;
	unsigned depth;
	bool writes;
} const stacks[STACKS] = {
#define PROBE4 "probe | probe | probe | probe | "
#define PROBE8 PROBE4 PROBE4
	[NOTHING] = { "null", 32, false },
	[ONE] = { "probe | null", 32, false },
	[EIGHT] = { PROBE8 "null", 32, false },
	[THIRTY_TWO] = { PROBE8 PROBE8 PROBE8 PROBE8 "null", 32, false },
	[PASS_8] = { "through | through | through | through | through | through | through | through | null",
		     32, false },
	[DEEP] = { "null", 4096, false },
	[STRIPE] = { "stripe { null ; null }", 32, false },
	[NULL_WRITE] = { "null", 32, true },
	[MIRROR_WRITE] = { "mirror state=none { null ; null }", 32, true },
};

struct counted {
	struct load *load;
	uint64_t ios;
};

static void
run_counted(void *priv)
{
	struct counted *counted = priv;

	cli_load_run(counted->load, counted->ios);
}

/* Instructions of one I/O: what some more of them cost more. */
static double
instructions(struct load *load)
{
	struct counted few = { load, load->depth + COUNTED }, more = { load, load->depth + 2 * COUNTED };
	uint64_t a, b;

	cli_load_run(load, 1000);
	a = cli_count_instructions(run_counted, &few);
	b = cli_count_instructions(run_counted, &more);
	return a == 0 || b <= a ? 0 : (double)(b - a) / COUNTED;
}

/* --- crypt against the cipher alone ------------------------------------- */

#define CIPHER_BYTES ((size_t)4096)
#define CIPHER_TIMES 20000u

static uint64_t
cipher_ns(void)
{
	static unsigned char key[64] = { 1 }, data[CIPHER_BYTES], iv[16];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint64_t begun;
	int done;

	key[40] = 2;
	EVP_EncryptInit_ex(context, EVP_aes_256_xts(), NULL, key, iv);
	begun = kio__now();
	for (unsigned i = 0; i < CIPHER_TIMES; i++)
		EVP_EncryptUpdate(context, data, &done, data, (int)CIPHER_BYTES);
	begun = kio__now() - begun;
	EVP_CIPHER_CTX_free(context);
	return begun;
}

/* Speed of crypt, in place, over that of the cipher, sector by sector of 4096. */
static int
crypt_ratio(const struct cli *cli, double *ratio)
{
	static unsigned char bytes[64];
	char path[] = "/tmp/kiobuf-key-XXXXXX", stack[128];
	int fd = mkstemp(path), rc;
	uint64_t cipher = UINT64_MAX, crypt = UINT64_MAX;
	struct load load;

	bytes[1] = 1;
	if (fd < 0 || kio__random(bytes, 63) < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		return cli_fail(cli, EXIT_OPEN, "%s: a key cannot be made", path);
	close(fd);
	snprintf(stack, sizeof(stack), "crypt header=none sector=4096 key-file=%s | null", path);
	rc = cli_load_open(cli, &load, stack, 32);
	unlink(path);
	if (rc == EXIT_YES) {
		load.writes = load.gifts = true;
		/* the best of each: the best ratio would be that of the cipher's worst turn */
		for (unsigned i = 0; i < TURNS; i++) {
			cipher = kio__min(cipher, cipher_ns());
			crypt = kio__min(crypt, cli_load_run(&load, CIPHER_TIMES));
		}
		*ratio = (double)cipher / (double)crypt;
	}
	cli_load_close(&load);
	return rc;
}

/* --- the suite ---------------------------------------------------------- */

static void
set_container(json_t *result, struct load *eight)
{
	struct kio *kio = kio_create(eight->channel, 1);

	cli_set_figure(result, "container_bytes_depth8", kio->bytes);
	cli_set_figure(result, "frame_bytes", sizeof(struct kio_frame));
	kio_destroy(kio);
}

static json_t *
figures(struct load *loads)
{
	double ns[STACKS], locked = 1e9, now, count[STACKS] = { 0 };
	json_t *result = json_object();
	uint64_t allocated;

	for (unsigned i = 0; i < STACKS; i++)
		ns[i] = 1e9;
	allocated = kio__alloc_count();
	for (unsigned turn = 0; turn < TURNS; turn++) {
		now = cli_locked_ns();
		locked = now < locked ? now : locked;
		for (unsigned i = 0; i < STACKS; i++) {
			now = (double)cli_load_run(&loads[i], IOS) / IOS;
			ns[i] = now < ns[i] ? now : ns[i];
		}
	}
	allocated = kio__alloc_count() - allocated;
	for (unsigned i = NOTHING; i <= PASS_8; i++)
		count[i] = instructions(&loads[i]);
	cli_set_figure(result, "locked_ns", locked);
	cli_set_figure(result, "null_ns", ns[NOTHING]);
	cli_set_figure(result, "null_ratio", ns[NOTHING] / locked);
	cli_set_figure(result, "null_instructions", count[NOTHING]);
	cli_set_figure(result, "intercept_ns_per_layer", (ns[EIGHT] - ns[NOTHING]) / 8);
	cli_set_figure(result, "intercept_ratio", (ns[EIGHT] - ns[NOTHING]) / 8 / locked);
	cli_set_figure(result, "intercept_instructions_per_layer", (count[EIGHT] - count[NOTHING]) / 8);
	cli_set_figure(result, "pass_ns_per_layer", (ns[PASS_8] - ns[NOTHING]) / 8);
	cli_set_figure(result, "pass_ratio", (ns[PASS_8] - ns[NOTHING]) / 8 / locked);
	cli_set_figure(result, "pass_instructions_per_layer", (count[PASS_8] - count[NOTHING]) / 8);
	cli_set_figure(result, "slope_32", (ns[THIRTY_TWO] - ns[NOTHING]) / 32 / (ns[ONE] - ns[NOTHING]));
	cli_set_figure(result, "depth_4096", ns[DEEP] / ns[NOTHING]);
	cli_set_figure(result, "allocs_per_io", (double)allocated / (TURNS * (double)IOS * STACKS));
	cli_set_figure(result, "stripe2_added_ns", ns[STRIPE] - ns[NOTHING]);
	cli_set_figure(result, "stripe2_ratio", (ns[STRIPE] - ns[NOTHING]) / locked);
	cli_set_figure(result, "mirror2_write_added_ns", ns[MIRROR_WRITE] - ns[NULL_WRITE]);
	cli_set_figure(result, "mirror2_write_ratio", (ns[MIRROR_WRITE] - ns[NULL_WRITE]) / locked);
	set_container(result, &loads[EIGHT]);
	return result;
}

int
cli_suite_core(const struct cli *cli)
{
	struct load loads[STACKS] = { 0 };
	json_t *result;
	double ratio = 0;
	int rc = EXIT_YES;

	cli_load_classes();
	for (unsigned i = 0; i < STACKS && rc == EXIT_YES; i++) {
		rc = cli_load_open(cli, &loads[i], stacks[i].stack, stacks[i].depth);
		loads[i].writes = stacks[i].writes;
	}
	if (rc == EXIT_YES) {
		result = figures(loads);
		rc = crypt_ratio(cli, &ratio);
		if (rc == EXIT_YES)
			cli_set_figure(result, "crypt_ratio", ratio);
		cli_print_figures(cli, "bench-core", result);
	}
	for (unsigned i = 0; i < STACKS; i++)
		cli_load_close(&loads[i]);
	return rc;
}
