/** An experiment that cannot be calculated. The message names the value, what is wrong with it and what would do. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}
