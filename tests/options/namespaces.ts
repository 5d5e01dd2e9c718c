/** Namespaces of the host, to compare with those of containers. */

/** Returns the namespace of this process, and so of the host. */
export async function ownNamespace(type: string): Promise<string> {
  return await Deno.readLink(`/proc/self/ns/${type}`);
}

/** Reports whether the kernel has cgroup namespaces. */
export async function cgroupNamespace(): Promise<boolean> {
  try {
    await Deno.lstat("/proc/self/ns/cgroup");
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
