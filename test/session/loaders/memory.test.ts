import t from 'tap'
import { MemoryLoader } from '../../../session/loaders/memory.ts'
import { loaderContract } from '../loader-contract.ts'

loaderContract(t, () => new MemoryLoader())
