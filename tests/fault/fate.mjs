// The venue's words for what became of an order, as the gateway's.
export function fateOf(status, order) {
  if (status === 'open' || status === 'triggered') return order.isTrigger && status === 'open' ? 'triggerPending' : order.sz === order.origSz ? 'resting' : 'partiallyFilled'
  return status === 'filled' ? 'filled' : /[rR]ejected$/.test(status) ? 'rejected' : 'cancelled'
}
