/* SPDX-License-Identifier: MIT */
/*
 * The blocking forms: a stack in three lines, without a loop.
 *
 *	cc hello.c $(pkg-config --cflags --libs kiobuf)
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>

int
main(void)
{
	struct kio_diag diag;
	struct kio_stack *stack;
	char page[4096] = "hello", back[4096];
	int rc;

	rc = kio_stack_open(&stack, "stripe { mem 64M ; mem 64M }", NULL, &diag);
	if (rc < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	rc = kio_pwrite(stack, page, sizeof(page), 0, KIO_FUA);
	if (rc == 0)
		rc = kio_pread(stack, back, sizeof(back), 0);
	if (rc == 0)
		printf("%s\n", back);
	kio_stack_close(&stack, NULL);
	return rc < 0;
}
