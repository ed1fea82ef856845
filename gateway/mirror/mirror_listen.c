#include "mirror/mirror_core.h"

void mirror_listen(struct mirror *mirror, const struct mirror_listener *listener)
{
        mirror->listener = listener ? *listener : (struct mirror_listener){.settled = NULL};
}

bool mirror_is_heard(const struct mirror *mirror, const struct shadow *s)
{
        return s && s->attended > 0 && mirror->listener.settled;
}

const struct mirror_listener *mirror_listener_of(const struct mirror *mirror,
                                                 const struct addr *user)
{
        bool is_heard = false;

        if (!mirror->listener.settled)
                return NULL;
        for (unsigned dex = 0; dex < mirror->n_dexes && !is_heard; dex++)
                is_heard = mirror_is_heard(mirror, mirror_shadow(mirror, user, dex));
        return is_heard ? &mirror->listener : NULL;
}
