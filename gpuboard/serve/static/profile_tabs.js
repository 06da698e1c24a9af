/**
 * The tabs of the Profile page in their order. A tab appears once it is listed here; `load` fetches
 * its module, which exports
 *
 *   open(stage, profile)   fill `stage`, an empty element; returns a function that clears up
 *
 * and is called anew whenever other traces are chosen. `profile` is
 *   job                    {id, name, traces}: what was recorded together
 *   traces                 the chosen ones, opened: what `api/v1/profile/open` says of each
 *   trace                  id of the first of them
 *   show(tab, choices)     go to another tab, with state keys to set, such as
 *                          show("timeline", { timeWindow: [t0, t1] })
 */
export const TABS = [
  { name: "overview", title: "Overview", load: async () => await import("./profile_overview.js") },
  { name: "timeline", title: "Timeline", load: async () => await import("./timeline.js") },
  { name: "steps", title: "Steps", load: async () => await import("./profile_steps.js") },
  { name: "operators", title: "Operators", load: async () => await import("./profile_operators.js") },
  { name: "kernels", title: "Kernels", load: async () => await import("./profile_kernels.js") },
  { name: "flame", title: "Flame", load: async () => await import("./profile_flame.js") },
  { name: "memory", title: "Memory", load: async () => await import("./profile_memory.js") },
  { name: "modules", title: "Modules", load: async () => await import("./profile_modules.js") },
  { name: "distributed", title: "Distributed", load: async () => await import("./profile_distributed.js") },
  { name: "roofline", title: "Roofline", load: async () => await import("./profile_roofline.js") },
  { name: "compare", title: "Compare", load: async () => await import("./profile_compare.js") },
];
