#ifndef SANDBOX_LAUNCHER_H
#define SANDBOX_LAUNCHER_H
/*
 * assent-exec --launcher: runs plans for the engine, many at a time.
 * Returns when the link ends; nothing that it started is alive then.
 */
int launcher_main(int link);

#endif
