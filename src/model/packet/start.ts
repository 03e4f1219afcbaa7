/**
 * The beginning of time, as a double. V8 takes a field that begins with 0 for one of small integers and throws compiled code away at the
 * first fraction; in so short a life as that of a simulation this costs a third of the time.
 */
export const START_NS = -0;
