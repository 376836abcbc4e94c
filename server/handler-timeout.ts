/** The functions of a request took longer than PSOHandlerTimeout allows, or did not stop computing: 503. */
export class HandlerTimeout extends Error {
  readonly status = 503
  override readonly name = 'HandlerTimeout'
}
