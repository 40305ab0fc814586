// SPDX-License-Identifier: GPL-2.0
/*
 * The C side of the layers that the driver is written on. It has none of its own.
 */

#include "../v4l2/shim.c"
#include "../vb2/shim.c"
