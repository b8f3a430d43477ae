/** What the kernel says about a server's processes and our own: run time, memory, descriptors. Linux only; elsewhere undefined. */
import { readdirSync, readFileSync } from 'node:fs';

/** A process and all its descendants, so that workers count with their primary. */
export function processTree(pid: number): readonly number[] {
  const pids = [pid];
  for (const parent of pids) {
    const children = read(`/proc/${parent}/task/${parent}/children`) ?? '';
    for (const child of children.split(' ')) if (child !== '' && pids.length < 256) pids.push(Number(child));
  }
  return pids;
}

/** Scheduler run time of all threads of the processes, in seconds: user, kernel, and the loopback work of what they send. */
export function cpuSeconds(pids: readonly number[]): number | undefined {
  let nanoseconds = 0;
  for (const pid of pids) {
    const threads = list(`/proc/${pid}/task`);
    if (threads === undefined) return undefined;
    for (const thread of threads) {
      nanoseconds += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0);
    }
  }
  return nanoseconds / 1e9;
}

/** Resident memory of the processes together, in bytes. */
export function residentBytes(pids: readonly number[]): number | undefined {
  let kilobytes = 0;
  for (const pid of pids) {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '');
    if (line === null) return undefined;
    kilobytes += Number(line[1]);
  }
  return kilobytes * 1024;
}

/** CPU seconds that this process has used. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return cpuSeconds([process.pid]) ?? (user + system) / 1e6;
}

/** How many descriptors this process may open. */
export function descriptorLimit(): number | undefined {
  const line = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits') ?? '');
  return line === null ? undefined : Number(line[1]);
}

/** Server and generator over a stretch of time. */
export interface Stretch {
  readonly seconds: number;
  /** CPU seconds of the server, where they can be read. */
  readonly serverCpu: number | undefined;
  /** Share of one core that this process was busy, 0 to 1. */
  readonly generatorBusy: number;
  /** The same of all other processes of the machine together: above 0.2 the run is worth little. */
  readonly othersBusy: number | undefined;
}

/** Starts to measure; the returned function gives what has passed since. */
export function stopwatch(pid: number | undefined): () => Stretch {
  const pids = pid === undefined ? undefined : processTree(pid);
  const started = performance.now();
  const own = ownCpuSeconds();
  const server = pids === undefined ? undefined : cpuSeconds(pids);
  const machine = machineSeconds();
  return () => {
    const seconds = (performance.now() - started) / 1000;
    const serverCpu = difference(pids === undefined ? undefined : cpuSeconds(pids), server);
    const ownCpu = ownCpuSeconds() - own;
    const others = difference(difference(machineSeconds(), machine), (serverCpu ?? 0) + ownCpu);
    return {
      seconds,
      serverCpu,
      generatorBusy: ownCpu / seconds,
      othersBusy: others === undefined || serverCpu === undefined ? undefined : Math.max(0, others / seconds),
    };
  };
}

function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined ? undefined : now - before;
}

/** CPU seconds that anything on this machine has used, to 1/100 s. */
function machineSeconds(): number | undefined {
  const line = /^cpu +(.*)$/m.exec(read('/proc/stat') ?? '')?.[1];
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

function list(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}
