#include "store/store.h"

const char *intent_state_name(enum intent_state state)
{
        const char *name = NULL;

        switch (state) {
        case INTENT_RESERVED: name = "reserved"; break;
        case INTENT_SENT: name = "sent"; break;
        case INTENT_DONE: name = "done"; break;
        case INTENT_REJECTED: name = "rejected"; break;
        case INTENT_UNKNOWN: name = "unknown"; break;
        }
        must(name);
        return name;
}
