#ifndef TUI_TERM_CRASH_H
#define TUI_TERM_CRASH_H
/*
 * When the program dies of its own fault, the terminal is usable again.
 *
 *     term_crash_arm();       before ncurses changes anything
 *     term_crash_disarm();
 */

void term_crash_arm(void);
void term_crash_disarm(void);

#endif
