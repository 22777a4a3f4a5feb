// What to do first in an environment whose catalogue is empty.
import { matchedByName } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import type { App } from '../environments/app.ts';
import { rulesOf, senderTo } from '../environments/rules.ts';

type FirstStep = { text: string; detail: string; href: string | null };

type Rights = { mayEdit: boolean; mayRefresh: boolean };

/** Returns the first steps that a person can take here. */
export function firstSteps(here: App, rights: Rights): { lead: string; steps: FirstStep[] } {
  const sender = senderTo(here.name);
  if (sender) {
    const { label, inText } = rulesOf(sender);
    return {
      lead: `Nothing has arrived in ${here.rules.inText} yet. Rows are made in staging and transferred from one environment to the next.`,
      steps: [
        {
          text: `Open ${label.toLowerCase()}`,
          detail: `Rows are sent here from ${inText}.`,
          href: here.settings.urls[sender] ?? null,
        },
      ],
    };
  }
  if (!rights.mayEdit) {
    return {
      lead: 'Nobody has added anything yet. Rows appear here as soon as an editor adds them.',
      steps: [],
    };
  }
  return { lead: 'Nothing has been added yet. Begin like this:', steps: editorSteps(here, rights) };
}

const editorSteps = ({ destination }: App, { mayRefresh }: Rights): FirstStep[] => [
  ...(mayRefresh
    ? [
        {
          text: 'Copy the rows of production',
          detail: 'A refresh brings everything that production has.',
          href: '/refreshes',
        },
      ]
    : []),
  ...matchedByName.map(({ name, label }) => ({
    text: `Add ${lowerFirst(label.many)}`,
    detail: 'Other rows name them. Each environment has its own.',
    href: `/catalog/${name}`,
  })),
  {
    text: 'Add a business',
    detail: 'Tasks belong to a business.',
    href: '/catalog/business/new',
  },
  {
    text: 'Add a form with its fields',
    detail: 'A task asks for them.',
    href: '/catalog/form/new',
  },
  {
    text: 'Add a task',
    detail: 'It joins a business and a form.',
    href: '/catalog/task/new',
  },
  ...(destination
    ? [
        {
          text: 'Transfer the rows',
          detail: `A product manager sends them to ${destination.rules.inText}.`,
          href: '/pending',
        },
      ]
    : []),
];
