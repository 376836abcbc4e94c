const limits = new Set(['EAGAIN', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC'])

/** True where the machine or this process has run out of something. It may work again later, so a client is answered 503. */
export const isAtLimits = ({ code = '' }: { readonly code?: string | undefined }): boolean => limits.has(code)
