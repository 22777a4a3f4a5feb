import { entity } from '../entity.ts';
import { longText, reference, text } from '../fields.ts';

export const orderReceipt = entity({
  name: 'order_receipt',
  label: { one: 'Order receipt', many: 'Order receipts' },
  icon: 'receipt',
  store: 'mysql',
  table: 'order_receipt',
  title: 'template',
  purpose: 'An order receipt is what a person is sent when a task is done.',
  owner: 'task',
  fields: {
    task: reference('task', { list: true, under: true }),
    template: text({ max: 80, search: true }),
    text: longText({ max: 4000, search: true }),
  },
});
