#include "engine.h"

#include "rules/load.h"
