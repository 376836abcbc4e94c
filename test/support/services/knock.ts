import { once } from 'node:events'
import { connect } from 'node:net'

/** Whether a port of 127.0.0.1 accepts: `connected`, or the code of the refusal. */
export async function knock(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return 'connected'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''
  } finally {
    socket.destroy()
  }
}
