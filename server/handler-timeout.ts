/** Functions of a request took longer than anybody waits for them: 503. */
export class HandlerTimeout extends Error {
  readonly status = 503
  override readonly name = 'HandlerTimeout'
}
