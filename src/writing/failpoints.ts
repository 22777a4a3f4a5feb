// Named steps of a write, where a test kills or stops the process. In production `reached` does nothing.

export const failpoints: { reached: (name: string) => void | Promise<void> } = {
  reached: () => {},
};

export const failpoint = async (name: string): Promise<void> => failpoints.reached(name);
