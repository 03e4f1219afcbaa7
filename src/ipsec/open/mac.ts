import type { MacMessage } from './mac-message.js';

/** Checks ICVs made with one key. */
export interface Mac {
  /**
   * True if the ICV at `icvOffset` of `data` is that of `message`. Uses up the message.
   * The caller has checked that the whole ICV lies inside `data`.
   */
  verify(message: MacMessage, data: Uint8Array, icvOffset: number): boolean;
}
