// Assertions: our own mistakes stop a debug build; a release build does not look.
#pragma once

#include <cassert>

#define ROSENBLATT_ASSERT(condition) assert(condition)
