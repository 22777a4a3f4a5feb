// Named places where a test kills or stops the process. Outside the tests `reached` does nothing.

export const failpoints: { reached: (name: string) => void | Promise<void> } = {
  reached: () => {},
};

export const failpoint = async (name: string): Promise<void> => failpoints.reached(name);
