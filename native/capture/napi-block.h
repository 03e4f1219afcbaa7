// A FrameBlock of JavaScript (src/packet/frame-block.ts) as memory that a session fills.
#pragma once

#include <node_api.h>

#include "session.h"

namespace tare {

// `kept`: array that gets the block's typed arrays, so that their memory stays while it does.
// False if `value` is not a FrameBlock that is large enough.
bool TakeBlock(napi_env env, napi_value value, napi_value kept, Block* block);

}  // namespace tare
