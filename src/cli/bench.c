/* SPDX-License-Identifier: MIT */
/*
 * kiobuf bench: keeps a stack busy and tells how fast it was, how long single
 * I/Os took, and what they cost.
 *
 * A thread for each loop with a channel of its own; each keeps `depth`
 * containers in flight. Latencies go into a histogram of 64 steps for each
 * power of two, so that percentiles are exact to 1.6 %.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "cli/cli.h"
#include "cli/safety.h"
#include "cli/suite.h"
#include "core/loop.h"
#include "port/port.h"

#define MOST_SECONDS 1000000000u
#define STEPS 64u
#define HISTOGRAM (64u * STEPS)

struct bench {
	const struct cli *cli;
	struct target target;
	uint64_t block, span, depth;
	uint64_t until_ns; /* atomic; 0: a signal came */
	unsigned running;  /* atomic: workers */
	unsigned write_percent;
	bool sequential;
};

struct worker {
	struct bench *bench;
	pthread_t thread;
	bool started;
	struct kio_loop *loop;
	struct kio_channel *channel;
	uint64_t random, next, in_flight;
	uint64_t reads, writes, calls;
	int error;
	uint64_t histogram[HISTOGRAM];
};

struct job {
	struct worker *worker;
	struct kio *kio;
	void *buffer;
	uint64_t begun_ns;
};

static unsigned
bucket_of(uint64_t ns)
{
	unsigned power;

	if (ns < STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns);
	return (power - 5) * STEPS + (unsigned)(ns >> (power - 6) & (STEPS - 1));
}

static uint64_t
bucket_ns(unsigned bucket)
{
	unsigned power = bucket / STEPS + 5;

	return bucket < STEPS ? bucket : (uint64_t)(STEPS + bucket % STEPS) << (power - 6);
}

static uint64_t
random_next(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

static void job_done(struct kio *kio);

static void
job_start(struct job *job)
{
	struct worker *worker = job->worker;
	const struct bench *bench = worker->bench;
	uint64_t blocks = bench->span / bench->block;
	uint64_t block = bench->sequential ? worker->next++ % blocks : random_next(worker) % blocks;
	bool write = random_next(worker) % 100 < bench->write_percent;
	struct kio_iter data = kio_buf(job->kio, job->buffer, bench->block);

	job->begun_ns = kio__now();
	worker->reads += !write;
	worker->writes += write;
	if (write)
		kio_write(job->kio, block * bench->block, data, 0, job_done);
	else
		kio_read(job->kio, block * bench->block, data, job_done);
}

static void
job_done(struct kio *kio)
{
	struct job *job = kio->priv;
	struct worker *worker = job->worker;
	uint64_t now = kio__now();

	worker->histogram[bucket_of(now - job->begun_ns)]++;
	if (kio_status(kio) < 0 && worker->error == 0)
		worker->error = kio_status(kio);
	if (now < __atomic_load_n(&worker->bench->until_ns, __ATOMIC_RELAXED) && worker->error == 0)
		job_start(job);
	else if (--worker->in_flight == 0)
		kio_loop_stop(worker->loop);
}

static int
worker_jobs(struct worker *worker, struct job *jobs)
{
	for (uint64_t i = 0; i < worker->bench->depth; i++) {
		jobs[i].worker = worker;
		jobs[i].kio = kio_create(worker->channel, 1);
		jobs[i].buffer = kio__alloc_aligned(worker->bench->block, 4096);
		if (jobs[i].kio == NULL || jobs[i].buffer == NULL)
			return -ENOMEM;
		jobs[i].kio->priv = &jobs[i];
	}
	return 0;
}

static void *
worker_run(void *priv)
{
	struct worker *worker = priv;
	struct job *jobs = calloc(worker->bench->depth, sizeof(*jobs));
	int rc = jobs == NULL ? -ENOMEM : worker_jobs(worker, jobs);

	if (rc == 0) {
		worker->in_flight = worker->bench->depth;
		for (uint64_t i = 0; i < worker->bench->depth; i++)
			job_start(&jobs[i]);
		cli_loop_run(worker->loop);
	}
	worker->error = worker->error != 0 ? worker->error : rc;
	for (uint64_t i = 0; jobs != NULL && i < worker->bench->depth; i++) {
		kio_destroy(jobs[i].kio);
		free(jobs[i].buffer);
	}
	free(jobs);
	worker->calls = worker->loop->system_calls;
	kio_channel_close(&worker->channel);
	__atomic_fetch_sub(&worker->bench->running, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* --- the result --------------------------------------------------------- */

static uint64_t
percentile(const uint64_t *histogram, uint64_t total, double part)
{
	uint64_t wanted = (uint64_t)((double)total * part), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM; i++) {
		seen += histogram[i];
		if (seen > wanted || seen == total)
			return bucket_ns(i);
	}
	return 0;
}

struct sums {
	uint64_t reads, writes, calls, took_ns, cpu_ns;
	uint64_t histogram[HISTOGRAM];
};

static int
report(const struct bench *bench, const struct sums *sums)
{
	uint64_t ios = sums->reads + sums->writes;
	double seconds = (double)sums->took_ns / 1e9, each = ios != 0 ? (double)ios : 1;
	uint64_t p50 = percentile(sums->histogram, ios, 0.5), p99 = percentile(sums->histogram, ios, 0.99);
	uint64_t p999 = percentile(sums->histogram, ios, 0.999), most = percentile(sums->histogram, ios, 1);
	char rate[48];

	if (bench->cli->json)
		return cli_print_json(
			"bench",
			json_pack("{s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:o}",
				  "reads", (json_int_t)sums->reads, "writes", (json_int_t)sums->writes,
				  "elapsed_ns", (json_int_t)sums->took_ns, "iops", (double)ios / seconds, "bytes_per_s",
				  (double)(ios * bench->block) / seconds, "latency_p50_ns",
				  (json_int_t)p50, "latency_p99_ns", (json_int_t)p99, "latency_p999_ns",
				  (json_int_t)p999, "latency_max_ns", (json_int_t)most, "cpu_ns_per_io",
				  (double)sums->cpu_ns / each, "syscalls_per_io",
				  (double)sums->calls / each, "block_bytes", (json_int_t)bench->block,
				  "depth", (json_int_t)bench->depth, "layers",
				  cli_json_stats(bench->target.stack)));
	printf("%.0f IOPS, %s; %lu reads, %lu writes in %.1f s\n", (double)ios / seconds,
	       cli_rate(ios * bench->block, sums->took_ns, rate, sizeof(rate)), sums->reads, sums->writes,
	       seconds);
	printf("latency p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us\n", (double)p50 / 1e3,
	       (double)p99 / 1e3, (double)p999 / 1e3, (double)most / 1e3);
	printf("%.0f ns of CPU and %.2f system calls an I/O\n\n", (double)sums->cpu_ns / each,
	       (double)sums->calls / each);
	cli_print_stats(stdout, bench->target.stack);
	return EXIT_YES;
}

static uint64_t
cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static int
open_workers(struct bench *bench, struct worker *workers, uint64_t loops)
{
	int rc = EXIT_YES, error;

	for (uint64_t i = 0; i < loops && rc == EXIT_YES; i++) {
		workers[i].bench = bench;
		workers[i].random = 88172645463325252u + i * 7919;
		workers[i].next = bench->span / bench->block / loops * i;
		rc = cli_loop_open(bench->cli, &workers[i].loop, (unsigned)bench->depth);
		if (rc != EXIT_YES)
			break;
		error = kio_channel_open(&workers[i].channel, bench->target.stack, workers[i].loop);
		if (error < 0)
			rc = cli_io_error(bench->cli, "opening a channel", error);
	}
	return rc;
}

/* A signal ends it before its time. */
static void
wait_for_workers(struct bench *bench)
{
	struct timespec pause = { .tv_nsec = 20000000 };

	while (__atomic_load_n(&bench->running, __ATOMIC_ACQUIRE) != 0) {
		if (cli_signal() != 0)
			__atomic_store_n(&bench->until_ns, 0, __ATOMIC_RELAXED);
		nanosleep(&pause, NULL);
	}
}

static int
start_workers(struct bench *bench, struct worker *workers, uint64_t loops)
{
	int rc = EXIT_YES;

	for (uint64_t i = 0; i < loops && rc == EXIT_YES; i++) {
		__atomic_fetch_add(&bench->running, 1, __ATOMIC_RELAXED);
		workers[i].started = pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) == 0;
		if (workers[i].started)
			continue;
		__atomic_fetch_sub(&bench->running, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&bench->until_ns, 0, __ATOMIC_RELAXED);
		rc = cli_fail(bench->cli, EXIT_BUG, "no thread could be started");
	}
	wait_for_workers(bench);
	for (uint64_t i = 0; i < loops; i++) {
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
	}
	return rc;
}

static int
run_workers(struct bench *bench, uint64_t loops)
{
	struct worker *workers = calloc(loops, sizeof(*workers));
	struct sums *sums = calloc(1, sizeof(*sums));
	uint64_t begun, cpu;
	int rc = workers == NULL || sums == NULL ? cli_fail(bench->cli, EXIT_BUG, "out of memory") :
						   open_workers(bench, workers, loops);

	begun = kio__now();
	cpu = cpu_ns();
	bench->until_ns = begun + bench->until_ns;
	if (rc == EXIT_YES) {
		rc = start_workers(bench, workers, loops);
		sums->took_ns = kio__now() - begun;
		sums->cpu_ns = cpu_ns() - cpu;
	}
	for (uint64_t i = 0; workers != NULL && sums != NULL && i < loops; i++) {
		if (rc == EXIT_YES && workers[i].error < 0)
			rc = cli_io_error(bench->cli, bench->cli->args[0], workers[i].error);
		sums->reads += workers[i].reads;
		sums->writes += workers[i].writes;
		sums->calls += workers[i].calls;
		for (unsigned j = 0; j < HISTOGRAM; j++)
			sums->histogram[j] += workers[i].histogram[j];
		kio_channel_close(&workers[i].channel);
		kio_loop_close(&workers[i].loop);
	}
	if (rc == EXIT_YES && cli_signal() != 0)
		rc = cli_fail(bench->cli, EXIT_SIGNAL + cli_signal(), "stopped by a signal");
	if (rc == EXIT_YES)
		rc = report(bench, sums);
	free(workers);
	free(sums);
	return rc;
}

static int
run_stack(struct cli *cli)
{
	const uint64_t seconds = cli_number(cli, "seconds", 3), loops = cli_number(cli, "loops", 1);
	const uint64_t writes = cli_number(cli, "write", 0);
	struct bench bench = {
		.cli = cli,
		.block = cli_number(cli, "block", 4096),
		.depth = cli_number(cli, "depth", 32),
		.until_ns = seconds * 1000000000u,
		.write_percent = (unsigned)writes,
		.sequential = cli_flag(cli, "sequential"),
	};
	struct cli_open how = { .read_only = bench.write_percent == 0 };
	const struct kio_limits *limits;
	int rc, closed;

	if (bench.block == 0 || bench.depth == 0 || bench.depth > 65536 || loops == 0 || loops > 64 ||
	    writes > 100 || seconds > MOST_SECONDS)
		return cli_fail(cli, EXIT_USAGE,
				"--depth is 1 to 65536, --loops 1 to 64, --write 0 to 100, --seconds up to %u; "
				"--block is not 0",
				MOST_SECONDS);
	rc = bench.write_percent != 0 && !cli_flag(cli, "force") ? cli_refuse_overwrite(cli, cli->args[0]) :
								   EXIT_YES;
	if (rc != EXIT_YES)
		return rc;
	cli_signals_begin();
	rc = cli_open(cli, &bench.target, cli->args[0], &how);
	if (rc != EXIT_YES)
		return rc;
	limits = kio_stack_limits(bench.target.stack);
	bench.span = limits->size;
	if (bench.block % limits->block != 0 || bench.block > limits->size)
		rc = cli_fail(cli, EXIT_USAGE, "--block %lu: the stack has blocks of %u and %lu bytes in all",
			      bench.block, limits->block, limits->size);
	else
		rc = run_workers(&bench, loops);
	closed = cli_close(cli, &bench.target);
	return rc == EXIT_YES ? closed : rc;
}

static int
run_bench(struct cli *cli)
{
	const char *suite = cli_text(cli, "suite", NULL);

	if ((suite != NULL) == (cli->count == 1))
		return cli_fail(cli, EXIT_USAGE, "give a stack, or --suite NAME");
	return suite != NULL ? cli_suite(cli, suite) : run_stack(cli);
}

static const struct cli_option options[] = {
	{ "write", OPTION_NUMBER, "PERCENT", "share of writes; 0" },
	{ "block", OPTION_SIZE, "SIZE", "of each I/O; 4K" },
	{ "depth", OPTION_NUMBER, "N", "I/Os in flight on each loop; 32" },
	{ "seconds", OPTION_NUMBER, "N", "how long; 3" },
	{ "loops", OPTION_NUMBER, "N", "threads, each with a loop and a channel; 1" },
	{ "sequential", OPTION_FLAG, NULL, "one block after the other, not at random" },
	{ "force", OPTION_FLAG, NULL, "write, whatever the stack holds" },
	{ "suite", OPTION_TEXT, "NAME", "core, events or file: the project's own figures" },
	{ "path", OPTION_TEXT, "FILE", "for --suite file: where to make a file to read" },
	{ 0 }
};

const struct cli_command cli_bench = {
	.name = "bench",
	.arguments = "[STACK]",
	.summary = "measure a stack",
	.least = 0,
	.most = 1,
	.options = options,
	.opens = true,
	.run = run_bench,
};
