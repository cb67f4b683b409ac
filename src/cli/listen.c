/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: unix sockets that are their owner's alone from the moment
 * they appear, and TCP.
 */
#include "cli/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

/* What stands for itself in a URI is put as it is, all else as %XX. */
static void
put_encoded(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~/";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			fputc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
	}
}

/* HEAD, the name of the export, and behind ?socket= the path, if there is one. */
static int
make_uri(const struct cli *cli, struct listener *listener, const char *head, const char *name)
{
	size_t size;
	FILE *out = open_memstream(&listener->uri, &size);

	if (out == NULL)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	fputs(head, out);
	put_encoded(out, name);
	if (listener->path[0] != '\0') {
		fputs("?socket=", out);
		put_encoded(out, listener->path);
	}
	return fclose(out) == 0 ? EXIT_YES : cli_fail(cli, EXIT_BUG, "out of memory");
}

/* A socket that nobody listens on any more is taken away; one in use is not. */
static int
clear_the_way(const struct cli *cli, const struct sockaddr_un *address)
{
	struct stat st;
	int fd, rc;

	if (lstat(address->sun_path, &st) < 0)
		return EXIT_YES;
	if (!S_ISSOCK(st.st_mode))
		return cli_fail(cli, EXIT_REFUSED, "%s exists and is no socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (fd >= 0)
		close(fd);
	if (rc == 0 || errno != ECONNREFUSED)
		return cli_fail(cli, EXIT_REFUSED, "%s is in use: a server listens on it",
				address->sun_path);
	unlink(address->sun_path);
	return EXIT_YES;
}

int
cli_listen_unix(const struct cli *cli, struct listener *listener, const char *path,
		const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t before;
	int rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return cli_fail(cli, EXIT_USAGE, "%s is longer than a socket's path may be, %zu", path,
				sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	rc = clear_the_way(cli, &address);
	if (rc != EXIT_YES)
		return rc;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	before = umask(0177);
	rc = listener->fd < 0 ? -1 :
				bind(listener->fd, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (rc < 0 || lstat(path, &st) < 0)
		return cli_fail(cli, EXIT_OPEN, "%s: %s", path, strerror(errno));
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	strcpy(listener->path, path);
	if (listen(listener->fd, BACKLOG) < 0)
		return cli_fail(cli, EXIT_OPEN, "%s: %s", path, strerror(errno));
	return make_uri(cli, listener, "nbd+unix:///", name);
}

int
cli_listen_private(const struct cli *cli, struct listener *listener, const char *name)
{
	char path[100];

	snprintf(listener->folder, sizeof(listener->folder), "/tmp/kiobuf-XXXXXX");
	if (mkdtemp(listener->folder) == NULL)
		return cli_fail(cli, EXIT_OPEN, "%s: %s", listener->folder, strerror(errno));
	snprintf(path, sizeof(path), "%s/socket", listener->folder);
	return cli_listen_unix(cli, listener, path, name);
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
		       127;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int
listen_on(const struct cli *cli, struct listener *listener, const struct addrinfo *info,
	  const char *host, const char *name)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	char head[300];
	int one = 1;

	listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd >= 0)
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener->fd < 0 || bind(listener->fd, info->ai_addr, info->ai_addrlen) < 0 ||
	    listen(listener->fd, BACKLOG) < 0 ||
	    getsockname(listener->fd, (struct sockaddr *)&own, &size) < 0)
		return cli_fail(cli, EXIT_OPEN, "%s: %s", host, strerror(errno));
	/* port 0 became one that was free */
	snprintf(head, sizeof(head), info->ai_family == AF_INET6 ? "nbd://[%s]:%u/" : "nbd://%s:%u/",
		 host,
		 ntohs(own.ss_family == AF_INET6 ?
			       ((struct sockaddr_in6 *)(void *)&own)->sin6_port :
			       ((struct sockaddr_in *)(void *)&own)->sin_port));
	return make_uri(cli, listener, head, name);
}

int
cli_listen_tcp(const struct cli *cli, struct listener *listener, const char *address,
	       const char *name, bool anywhere)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *info;
	char host[256];
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;
	unsigned long port;
	char *end;
	int rc;

	if (colon == NULL || len == 0 || len >= sizeof(host))
		return cli_fail(cli, EXIT_USAGE, "--tcp %s: HOST:PORT is expected", address);
	snprintf(host, sizeof(host), "%.*s", (int)len, address);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || port > 65535 || colon[1] == '-')
		return cli_fail(cli, EXIT_USAGE, "--tcp %s: a port is a number up to 65535", address);
	rc = getaddrinfo(host, colon + 1, &hints, &info);
	if (rc != 0)
		return cli_fail(cli, EXIT_OPEN, "--tcp %s: %s", address, gai_strerror(rc));
	if (!anywhere && !is_loopback(info->ai_addr))
		rc = cli_fail(cli, EXIT_REFUSED,
			      "%s is not the loopback, and what is sent is neither encrypted nor\n"
			      "authenticated; --insecure-tcp says that this is meant",
			      host);
	else
		rc = listen_on(cli, listener, info, host, name);
	freeaddrinfo(info);
	return rc;
}

void
cli_listen_end(struct listener *listener)
{
	struct stat st;

	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	/* a server that came later may have put its own there */
	if (listener->path[0] != '\0' && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->path);
	if (listener->folder[0] != '\0')
		rmdir(listener->folder);
	free(listener->uri);
	listener->uri = NULL;
}
