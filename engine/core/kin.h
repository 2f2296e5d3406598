#ifndef CORE_KIN_H
#define CORE_KIN_H
/*
 * Who started whom, as the kernel tells: so that nobody answers a question
 * that he, or a program that started him, has asked.
 *
 *     kin_meet(&action->proposer);                    when it proposes
 *     r = kin_answers_itself(pid, &proposer, e);      when pid answers
 *
 * A process of the same user that left its family for good (a daemon in a
 * session, group and control group of its own) cannot be told from any other
 * program of that user: elevated mode, or two people, hold that off.
 */
#include "base/err.h"
#include "model/action.h"

/* Sets pid and started: the agent itself where a hook of ours speaks for it. */
void kin_meet(struct proposer *p);
/* ERR_DENIED with a sentence: pid is the proposer, or was started by it, or
 * nobody can tell. */
int kin_answers_itself(pid_t pid, const struct proposer *of, struct err *e);

#endif
