/* SPDX-License-Identifier: MIT */
/*
 * Sources that the system tells of by a descriptor: signals and children.
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/source.h"

static void
close_it(struct kio_source *source)
{
	close(source->of.watch.fd);
}

/* The descriptor, just made, or -1: from here on it is the source's. */
static int
begin(struct kio_loop *loop, struct kio_source *source, int fd, const struct kio__source_kind *kind)
{
	int rc;

	if (fd < 0)
		return -errno;
	rc = kio__source_watch(loop, source, fd, KIO_READABLE, kind);
	if (rc < 0)
		close(fd);
	return rc;
}

/* --- signals ------------------------------------------------------------ */

static int
signal_take(struct kio_source *source)
{
	struct signalfd_siginfo info;

	if (read(source->of.watch.fd, &info, sizeof(info)) < 0)
		return -errno;
	source->value = (int32_t)info.ssi_signo;
	return 0;
}

int
kio_source_signal(struct kio_loop *loop, struct kio_source *source, int signal)
{
	static const struct kio__source_kind kind = {
		.stop = kio__source_unwatch, .take = signal_take, .leave = close_it,
	};
	sigset_t blocked, wanted;

	sigemptyset(&wanted);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (sigaddset(&wanted, signal) < 0 || sigismember(&blocked, signal) != 1)
		return -EINVAL;
	return begin(loop, source, signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK), &kind);
}

/* --- children ----------------------------------------------------------- */

/* Until it has ended, value is its number. */
static int
child_take(struct kio_source *source)
{
	int status, pid = waitpid(source->value, &status, WNOHANG);

	if (pid <= 0)
		return pid == 0 ? -EAGAIN : -errno;
	source->value = status;
	return 0;
}

int
kio_source_child(struct kio_loop *loop, struct kio_source *source, int pid)
{
	static const struct kio__source_kind kind = {
		.stop = kio__source_unwatch, .take = child_take, .leave = close_it,
	};
	int rc = begin(loop, source, (int)syscall(SYS_pidfd_open, pid, 0), &kind);

	source->value = pid;
	return rc;
}
