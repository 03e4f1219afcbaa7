#pragma once

namespace tare {

// Gives up all capabilities of every thread of this process, for good. Linux keeps them by thread, and glibc offers no way to
// change those of all: each thread is asked by a signal to do it itself (as libpsx does).
// Returns the number of threads that still have some, because they block every signal; -1 if it cannot be done at all.
int DropCapabilities();

}  // namespace tare
