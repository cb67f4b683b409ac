/* SPDX-License-Identifier: MIT */
/*
 * kiobuf key create FILE: a key for crypt.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "port/port.h"

#define KEY_BYTES 64

static int
run_key(struct cli *cli)
{
	unsigned char key[KEY_BYTES];
	const char *path;
	ssize_t put;
	int fd, rc;

	if (strcmp(cli->args[0], "create") != 0)
		return cli_fail(cli, EXIT_USAGE, "usage: kiobuf key create FILE");
	path = cli->args[1];
	rc = kio__random(key, sizeof(key));
	if (rc < 0)
		return cli_io_error(cli, "no random bytes", rc);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(cli, errno == EEXIST ? EXIT_REFUSED : EXIT_OPEN, "%s: %s%s", path,
				strerror(errno),
				errno == EEXIST ? "; a key that is overwritten takes its data with it" : "");
	put = write(fd, key, sizeof(key));
	kio__wipe(key, sizeof(key));
	rc = put == KEY_BYTES && fsync(fd) == 0 ? 0 : -EIO;
	if (close(fd) < 0 || rc < 0) {
		unlink(path);
		return cli_io_error(cli, path, -EIO);
	}
	if (cli->json)
		return cli_print_json("key", json_pack("{s:o, s:i}", "file", cli_json_text(path),
						       "key_bytes", KEY_BYTES));
	printf("%s: a key of %d random bytes, for you alone to read\n", path, KEY_BYTES);
	return EXIT_YES;
}

const struct cli_command cli_key = {
	.name = "key",
	.arguments = "create FILE",
	.summary = "make a key for crypt",
	.least = 2,
	.most = 2,
	.run = run_key,
};
