/** Namespaces of this machine, for comparison with those in containers. */

/** The one that this process, and so the host, is in. */
export async function ownNamespace(type: string): Promise<string> {
  return await Deno.readLink(`/proc/self/ns/${type}`);
}

/** Whether the kernel has cgroup namespaces. */
export async function cgroupNamespace(): Promise<boolean> {
  try {
    await Deno.lstat("/proc/self/ns/cgroup");
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
