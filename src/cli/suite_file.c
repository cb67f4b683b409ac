/* SPDX-License-Identifier: MIT */
/*
 * The figures of files: 4 KiB random reads from the page cache through four
 * layers, against a loop that uses liburing and nothing else, with the same
 * flags, the same batches and a registered file. In pairs, one after the other.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/load.h"
#include "cli/suite.h"
#include "core/loop.h"
#include "port/port.h"

#define PAIRS 15
#define DEPTH 32u
#define IOS 60000u
#define SIZE ((uint64_t)64 << 20)
#define BLOCK 4096u

struct bare {
	struct io_uring ring;
	unsigned char *memory;
	uint64_t seed, calls;
};

static int
bare_open(struct bare *bare, int fd)
{
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
						   IORING_SETUP_DEFER_TASKRUN |
						   IORING_SETUP_TASKRUN_FLAG };
	int rc = io_uring_queue_init_params(DEPTH, &bare->ring, &params);

	if (rc == -EINVAL) {
		params = (struct io_uring_params){ .flags = IORING_SETUP_R_DISABLED };
		rc = io_uring_queue_init_params(DEPTH, &bare->ring, &params);
	}
	if (rc < 0)
		return rc;
	bare->memory = kio__alloc_aligned((size_t)DEPTH * BLOCK, BLOCK);
	rc = io_uring_register_files(&bare->ring, &fd, 1);
	if (rc == 0 && syscall(__NR_io_uring_register, bare->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
			       NULL, 0) < 0)
		rc = -errno;
	return rc;
}

static void
bare_start(struct bare *bare, unsigned char *memory)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&bare->ring);

	bare->seed = bare->seed * 6364136223846793005u + 1442695040888963407u;
	io_uring_prep_read(sqe, 0, memory, BLOCK, bare->seed >> 20 & (SIZE - BLOCK));
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, memory);
}

static uint64_t
bare_run(struct bare *bare, uint64_t ios)
{
	uint64_t begun = kio__now(), left = ios - DEPTH, in_flight = DEPTH;
	struct io_uring_cqe *cqe;
	unsigned head, count;

	for (unsigned i = 0; i < DEPTH; i++)
		bare_start(bare, bare->memory + (size_t)i * BLOCK);
	while (in_flight > 0) {
		io_uring_submit_and_wait(&bare->ring, 1);
		bare->calls++;
		count = 0;
		io_uring_for_each_cqe(&bare->ring, head, cqe) {
			count++;
			if (cqe->res != BLOCK)
				abort();
			if (left > 0) {
				left--;
				bare_start(bare, io_uring_cqe_get_data(cqe));
			} else {
				in_flight--;
			}
		}
		io_uring_cq_advance(&bare->ring, count);
	}
	return kio__now() - begun;
}

static int
make_file(const struct cli *cli, const char *path)
{
	unsigned char *memory = malloc(1 << 20);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	for (uint64_t at = 0; fd >= 0 && memory != NULL && at < SIZE; at += 1 << 20) {
		memset(memory, (int)(at >> 20) + 1, 1 << 20);
		if (pwrite(fd, memory, 1 << 20, (off_t)at) != 1 << 20) {
			close(fd);
			fd = -1;
		}
	}
	free(memory);
	if (fd < 0)
		cli_fail(cli, EXIT_OPEN, "%s cannot be made; it must not exist", path);
	return fd;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
run_pairs(const struct cli *cli, struct load *load, struct bare *bare)
{
	double ratios[PAIRS], ours_ns = 0, bare_ns = 0;
	uint64_t calls, ours_calls = 0, a, b;
	json_t *result;

	cli_load_run(load, IOS);
	bare_run(bare, IOS);
	bare->calls = 0;
	for (unsigned i = 0; i < PAIRS; i++) {
		calls = load->loop->system_calls;
		/* who is first changes, so that neither gains by it */
		if (i % 2 == 0) {
			a = cli_load_run(load, IOS);
			b = bare_run(bare, IOS);
		} else {
			b = bare_run(bare, IOS);
			a = cli_load_run(load, IOS);
		}
		ours_calls += load->loop->system_calls - calls;
		ratios[i] = (double)b / (double)a;
		ours_ns += (double)a / IOS / PAIRS;
		bare_ns += (double)b / IOS / PAIRS;
	}
	if (load->error < 0)
		return cli_io_error(cli, "the stack", load->error);
	qsort(ratios, PAIRS, sizeof(ratios[0]), compare);
	result = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "ratio", ratios[PAIRS / 2], "ratio_min",
			   ratios[0], "ratio_max", ratios[PAIRS - 1], "syscall_ratio",
			   (double)ours_calls / (double)bare->calls, "stack_ns_per_io", ours_ns,
			   "bare_ns_per_io", bare_ns, "syscalls_per_io",
			   (double)ours_calls / (PAIRS * (double)IOS), "pairs", PAIRS);
	if (cli->json)
		return cli_print_json("bench-file", result);
	printf("%.3f of a bare io_uring loop (%.3f to %.3f in %d pairs), %.3f of its system calls\n",
	       ratios[PAIRS / 2], ratios[0], ratios[PAIRS - 1], PAIRS,
	       (double)ours_calls / (double)bare->calls);
	json_decref(result);
	return EXIT_YES;
}

int
cli_suite_file(const struct cli *cli)
{
	const char *path = cli_text(cli, "path", NULL);
	struct load load = { 0 };
	struct bare bare = { 0 };
	char stack[1024];
	int fd, rc;

	if (path == NULL)
		return cli_fail(cli, EXIT_USAGE, "--suite file needs --path FILE, which is made and removed");
	cli_load_classes();
	fd = make_file(cli, path);
	if (fd < 0)
		return EXIT_OPEN;
	snprintf(stack, sizeof(stack), "probe | crop | probe | through | file \"%s\"", path);
	rc = cli_load_open(cli, &load, stack, DEPTH);
	if (rc == EXIT_YES && bare_open(&bare, fd) < 0)
		rc = cli_fail(cli, EXIT_OPEN, "io_uring cannot be used here; there is nothing to compare with");
	if (rc == EXIT_YES)
		rc = run_pairs(cli, &load, &bare);
	cli_load_close(&load);
	if (bare.memory != NULL)
		io_uring_queue_exit(&bare.ring);
	free(bare.memory);
	close(fd);
	unlink(path);
	return rc;
}
