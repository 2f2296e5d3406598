#ifndef BROKER_SOURCES_H
#define BROKER_SOURCES_H
/* Something that the supervisor was asked to open; see broker.h. */
#include "broker.h"

struct opening {
	uint64_t number;
	broker_opened_fn *fn;
	void *ctx;
	struct opening *next;
};

#endif
