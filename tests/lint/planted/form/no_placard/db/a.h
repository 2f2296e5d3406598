#ifndef DB_A_H
#define DB_A_H
#endif
