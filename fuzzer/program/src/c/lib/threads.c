/* Lines that run beside the program, each in a thread. */
static pthread_t threads[256];
static unsigned int started;
