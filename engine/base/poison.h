/*
 * Force-included before every source of ours: names that are never used here.
 * Third-party headers come first so that they still compile.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atof sscanf system popen mktemp tmpnam
#pragma GCC poison gmtime localtime ctime asctime setenv putenv

#endif
