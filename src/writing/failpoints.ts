// Named places where a test kills or stops the process. Outside the tests `reached` does nothing.

export const points: { reached: (name: string) => void | Promise<void> } = { reached: () => {} };

export const point = async (name: string): Promise<void> => points.reached(name);
