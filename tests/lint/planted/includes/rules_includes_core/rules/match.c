#include "core/ports.h"
#include "core/messages.h"
