/** What this thread has worked since it began, in ms: a bound on it holds whatever else the machine does. */
export const cpuMs = (): number => process.threadCpuUsage().user / 1000
