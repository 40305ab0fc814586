// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * GStreamer wakes its threads up through a pair of sockets: it writes bytes into the second and reads them from the first,
 * never the other way round. The guest's kernel has no sockets, and a pipe does the same.
 */

/* SOCK_NONBLOCK and SOCK_CLOEXEC, which are O_NONBLOCK and O_CLOEXEC. */
#define FLAGS 02004000

int pipe2(int ends[2], int flags);

int socketpair(int domain, int type, int protocol, int ends[2])
{
	return pipe2(ends, type & FLAGS);
}
