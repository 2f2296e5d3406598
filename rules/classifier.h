#ifndef RULES_CLASSIFIER_H
#define RULES_CLASSIFIER_H
/*
 * The production classifier (core/ports.h), as its own module sees it.
 *
 *     r = rules_classifier.open(&options, diags, &c, e);
 *     set = classifier_set(c);
 */
#include "shadow.h"

struct classifier {
	struct ruleset *set;
	struct programs *programs;
	struct regex_runner *runner;
	struct part_judge *scratch;
	struct rule_count *counts;
	struct shadow shadow;
	struct buf archive; /* of the files that were read */
	enum approval_policy policy;
	bool reviewer;
	uint8_t digest[SHA256_LEN];
};

#endif
