/* sign: known answers for Keccak-256, EIP-712 and EIP-191. The Keccak values beyond the well-known
 * ones come from an independent sponge that reproduces SHA3-256 when given its padding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sign/eip712.h"
#include "sign/keccak.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void assert_hash(const struct hash32 *h, const char *expected)
{
        char text[HASH_STR_MAX];

        assert_string_equal(hex_print_hash(text, h), expected);
}

static struct hash32 hash_from(const char *hex)
{
        struct hash32 h;

        assert_int_equal(hex_parse_hash(&h, hex, strlen(hex)), E_OK);
        return h;
}

/* Keccak */

static const struct {
        const char *text;
        const char *hash;
} texts[] = {
        {"", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {"abc", "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
        {"Exchange", "0xddd112a261429abc594f5771eb08d7fa47bff456b2e5f1a47907b78573e33d96"},
        {"1", "0xc89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6"},
        {"a", "0x3ac225168df54212a25c1c01fd35bebfea408fdac2e31ddd6f80a4bbf9a5f1cb"},
        {"b", "0xb5553de315e0edf504d9150af82dafa5c4667fa618ed0a6f19c69b41166c5510"},
        {"HyperliquidSignTransaction",
         "0xd62ecaba1acbb226fb1e4a55c35578def65215fb7124eae9b354f5c086ced52f"},
        {"Mainnet", "0x8d646f556e5d9d6f1edcf7a39b77f5ac253776eb34efcfd688aacbee518efc26"},
        {"Testnet", "0x8afeb2efbce9049d0c9bb8cb99898193148e2effc2394786b9a6521ed70d8b83"},
        {"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
         "0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f"},
};

/* Of the bytes 0, 1, ... 250, 0, 1, ...: lengths about one and two blocks. */
static const struct {
        size_t len;
        const char *hash;
} lengths[] = {
        {1, "0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"},
        {135, "0xcbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"},
        {136, "0x7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"},
        {137, "0xac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"},
        {271, "0x27eceb59ebc3dc8a04a5b135be641591a7278540e4556a2ba9f408194e666ec3"},
        {272, "0x8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"},
        {273, "0x3f02f134370e4debb95140ef49ddd3aed8c65ff1ed83a43f1b269421f179c5f9"},
        {1000, "0xaf692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"},
};

static void keccak_known_answers(void **state)
{
        uint8_t bytes[1000];
        struct hash32 h;

        (void)state;
        for (size_t i = 0; i < COUNT(texts); i++) {
                keccak256(&h, texts[i].text, strlen(texts[i].text));
                assert_hash(&h, texts[i].hash);
        }
        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)(i % 251);
        for (size_t i = 0; i < COUNT(lengths); i++) {
                keccak256(&h, bytes, lengths[i].len);
                assert_hash(&h, lengths[i].hash);
        }
}

static void keccak_takes_input_in_any_pieces(void **state)
{
        static const size_t pieces[] = {1, 7, 64, 135, 136, 137, 300};
        uint8_t bytes[1000];
        struct hash32 h;
        struct keccak k;

        (void)state;
        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)(i % 251);
        for (size_t i = 0; i < COUNT(pieces); i++) {
                keccak_init(&k);
                for (size_t at = 0; at < sizeof bytes; at += pieces[i]) {
                        size_t left = sizeof bytes - at;
                        keccak_update(&k, bytes + at, left < pieces[i] ? left : pieces[i]);
                        keccak_update(&k, NULL, 0);
                }
                keccak_final(&k, &h);
                assert_hash(&h,
                            "0xaf692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b");
        }
}

/* EIP-712 */

static void domain_separators(void **state)
{
        static const struct {
                const char *name;
                uint64_t chain_id;
                const char *separator;
        } cases[] = {
                {"Exchange", 1337,
                 "0xd79297fcdf2ffcd4ae223d01edaa2ba214ff8f401d7c9300d995d17c82aa4040"},
                {"HyperliquidSignTransaction", 1,
                 "0xdb17d1ad595c034a414294c8a640f420ba18e2b7488231f5b97d02780d8e8648"},
                {"HyperliquidSignTransaction", 42161,
                 "0x2f54e643b38c9c2b65cb731aaf11c54f01705ee0cdf45aea16e2ac0a5ce7531a"},
                {"HyperliquidSignTransaction", 421614,
                 "0xfeb1393ca4412a4ca577bd51d04f0a77033514c602f4d0a11490fb95f7428df6"},
                {"HyperliquidSignTransaction", 998,
                 "0x3ff7c14d4cd66918afbfbb0845ed4f49a38d9e01edb214e35b62005f202d324c"},
                {"HyperliquidSignTransaction", 999,
                 "0xd32d810d4bfe4771b1d495256b32ddf3ca822f5f457282b00f0447bf6461b749"},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                const struct eip712_domain domain = {
                        .name = cases[i].name, .version = "1", .chain_id = cases[i].chain_id};
                struct hash32 h;
                eip712_domain_separator(&h, &domain);
                assert_hash(&h, cases[i].separator);
        }
}

/* clang-format off */
#define FIELD(text, solidity, how) {.name = text, .solidity_type = solidity, .type = how, .data = ""}
#define S(text) FIELD(text, "string", EIP712_STRING)
#define A(text) FIELD(text, "address", EIP712_ADDRESS)
#define U(text) FIELD(text, "uint64", EIP712_UINT)
#define U32(text) FIELD(text, "uint32", EIP712_UINT)
#define B(text) FIELD(text, "bool", EIP712_BOOL)
#define B32(text) FIELD(text, "bytes32", EIP712_BYTES32)
#define BYTES(text) FIELD(text, "bytes", EIP712_BYTES)
/* clang-format on */
#define CHAIN S("hyperliquidChain")

static const struct {
        const char *name;
        const char *type_hash;
        struct eip712_field fields[11];
} types[] = {
        {"Agent",
         "0x26f05c2f7239b6983075e58321292d77b3aa173d19b27257ac96ab362570f508",
         {S("source"), B32("connectionId")}},
        {"HyperliquidTransaction:ApproveAgent",
         "0x4464abf6148f115d79362d98320081aa2ae8a5c840083cb65820bffc21394378",
         {CHAIN, A("agentAddress"), S("agentName"), U("nonce")}},
        {"HyperliquidTransaction:ApproveBuilderFee",
         "0x461684eab6dcdfdd79c6250648d41a1abe3c826ceab6c513fc4f30156f233ad3",
         {CHAIN, S("maxFeeRate"), A("builder"), U("nonce")}},
        {"HyperliquidTransaction:UsdSend",
         "0xc7410964737e2180e258d649f23f74a49460432fecbd94688103ecc63fb66b4c",
         {CHAIN, S("destination"), S("amount"), U("time")}},
        {"HyperliquidTransaction:SpotSend",
         "0xd6d9472f429b5debb4cc4702fa9925e621498472a979f2581553dd007e273983",
         {CHAIN, S("destination"), S("token"), S("amount"), U("time")}},
        {"HyperliquidTransaction:Withdraw",
         "0xdbde952fa0de88158fc71336e44c61876611a2a65553bebd4d52b44a2a000d9a",
         {CHAIN, S("destination"), S("amount"), U("time")}},
        {"HyperliquidTransaction:UsdClassTransfer",
         "0x7a3eebb1997d2e459472886f8cf9829a79b1b00c72a06c9fe015c91299aecd43",
         {CHAIN, S("amount"), B("toPerp"), U("nonce")}},
        {"HyperliquidTransaction:SendAsset",
         "0x5f7cf397b977b076f0fbb993badfc7dd11bd71461a3d076c0940eff5f91ac849",
         {CHAIN, S("destination"), S("sourceDex"), S("destinationDex"), S("token"), S("amount"),
          S("fromSubAccount"), U("nonce")}},
        {"HyperliquidTransaction:SendToEvmWithData",
         "0x6a99d9af92175da1a2f1ca873b7a35db83d042f3b093578b7b0a2a99c07ba86f",
         {CHAIN, S("token"), S("amount"), S("sourceDex"), S("destinationRecipient"),
          S("addressEncoding"), U32("destinationChainId"), U("gasLimit"), BYTES("data"),
          U("nonce")}},
        {"HyperliquidTransaction:CDeposit",
         "0xad1bf36b33cc8478b96fc8d7f333f55aaacc2d2d5f76e11c6f909ec0e6350d4c",
         {CHAIN, U("wei"), U("nonce")}},
        {"HyperliquidTransaction:CWithdraw",
         "0x5b373730cec30f6bfdd2055fe781ce6d5aaf3dbb95f9e41f30304bb7235cf434",
         {CHAIN, U("wei"), U("nonce")}},
        {"HyperliquidTransaction:TokenDelegate",
         "0x92b330ec2490ea5985392c914fbd03684ac4860d6423151a947ad3022c58270b",
         {CHAIN, A("validator"), U("wei"), B("isUndelegate"), U("nonce")}},
        {"HyperliquidTransaction:UserDexAbstraction",
         "0xfeed9f6a65f7ac1a3a08d55f10e7a14a9e8287266757c9d353ff995ca29da88e",
         {CHAIN, A("user"), B("enabled"), U("nonce")}},
        {"HyperliquidTransaction:UserSetAbstraction",
         "0x7275fcf11c2aeeb00370bdc44e472f2b54989a0c88bd1605dbee01a0ba9a0a8b",
         {CHAIN, A("user"), S("abstraction"), U("nonce")}},
        {"HyperliquidTransaction:UserPortfolioMargin",
         "0x67779fba34bb69aa1aff60baeceeccd844bb178ec9820e07cc536511f780442c",
         {CHAIN, A("user"), B("enabled"), U("nonce")}},
        {"HyperliquidTransaction:ConvertToMultiSigUser",
         "0x4d0883518f17b75d0cf7deec7f0a235936fe6c6b4e3719542068d3c4bca6fbe4",
         {CHAIN, S("signers"), U("nonce")}},
        {"HyperliquidTransaction:LinkStakingUser",
         "0x27165ee398ec554a44513917647b374592878a87c4c3c1e43735771d9cf5a5e7",
         {CHAIN, A("user"), B("isFinalize"), U("nonce")}},
        {"HyperliquidTransaction:StakingLinkDisableTradingUser",
         "0x3359b50c2f203724fb8800102cbd374c01dfe5070f2ca246903773513579d05c",
         {CHAIN, A("tradingUser"), U("nonce")}},
        {"HyperliquidTransaction:SendMultiSig",
         "0x550fbfa3eb8691c744dccee20fce8ca1bd0f0fb319fdbde7fc68dd16bde14214",
         {CHAIN, B32("multiSigActionHash"), U("nonce")}},
};

static const struct eip712_domain exchange = {.name = "Exchange", .version = "1", .chain_id = 1337};

static void type_hashes(void **state)
{
        struct eip712_result result;

        (void)state;
        for (size_t i = 0; i < COUNT(types); i++) {
                size_t n = 0;
                while (types[i].fields[n].name)
                        n++;
                assert_int_equal(eip712_hash(&result, &exchange, types[i].name, types[i].fields, n),
                                 E_OK);
                assert_hash(&result.type_hash, types[i].type_hash);
        }
}

/* An order's worked example: connection id in, digest out. */
static void an_agents_digest(void **state)
{
        struct eip712_field fields[2] = {S("source"), B32("connectionId")};
        struct eip712_result result;

        (void)state;
        fields[0].data = "b";
        fields[0].len = 1;
        fields[1].bytes32 =
                hash_from("0x207b9fb52defb524f5a7f1c80f069ff8b58556b018532401de0e1342bcb13b40");
        assert_int_equal(eip712_hash(&result, &exchange, "Agent", fields, 2), E_OK);
        assert_hash(&result.domain_separator,
                    "0xd79297fcdf2ffcd4ae223d01edaa2ba214ff8f401d7c9300d995d17c82aa4040");
        assert_hash(&result.struct_hash,
                    "0x99c7d776d74816c42973fbe58bb0f0d03c80324bef180220196d0dccf01672c5");
        assert_hash(&result.digest,
                    "0x5242f54e0c01d3e7ef449f91b25c1a27802fdd221f7f24bc211da6bf7b847d8d");
}

static void type_strings_are_bounded(void **state)
{
        static const struct eip712_field field = B("x");
        struct eip712_result result;
        char name[1100];

        (void)state;
        memset(name, 'N', sizeof name);
        name[1024 - strlen("(bool x)")] = '\0';
        assert_int_equal(eip712_hash(&result, &exchange, name, &field, 1), E_OK);
        name[strlen(name)] = 'N';
        name[1025 - strlen("(bool x)")] = '\0';
        assert_int_equal(eip712_hash(&result, &exchange, name, &field, 1), E_LIMIT);
}

static void personal_messages(void **state)
{
        static const struct {
                const char *text;
                const char *digest;
        } cases[] = {
                {"", "0x5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad"},
                {"Hello World",
                 "0xa1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2"},
                {"hello world",
                 "0xd9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68"},
                {"Some data", "0x1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655"},
        };
        struct hash32 h;

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                eip191_digest(&h, cases[i].text, strlen(cases[i].text));
                assert_hash(&h, cases[i].digest);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keccak_known_answers),
                cmocka_unit_test(keccak_takes_input_in_any_pieces),
                cmocka_unit_test(domain_separators),
                cmocka_unit_test(type_hashes),
                cmocka_unit_test(an_agents_digest),
                cmocka_unit_test(type_strings_are_bounded),
                cmocka_unit_test(personal_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
